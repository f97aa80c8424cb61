-- Bad result: a pair that a person would call two different works.
-- Question: Which duplicates were dropped on the weakest likeness?
-- Must be empty: no
-- Needs: decisions, repos
-- Parameter most (default 100): how many rows
WITH
decisions AS (SELECT * FROM stg_decisions),
repos AS (SELECT repo_id, name FROM stg_repos),
weakest AS (
  SELECT * FROM decisions
  WHERE reason LIKE '%\_duplicate' ESCAPE '\' AND reason <> 'exact_duplicate'
  ORDER BY similarity, file_id
  LIMIT CAST($most AS BIGINT)
),
final AS (
  SELECT one.name AS repo, weakest.path, weakest.reason, weakest.similarity, other.name AS kept_repo,
    twin.path AS kept_path, weakest.blob_id, twin.blob_id AS kept_blob_id
  FROM weakest
  JOIN repos AS one USING (repo_id)
  LEFT JOIN decisions AS twin ON twin.file_id = weakest.twin_file_id
  LEFT JOIN repos AS other ON other.repo_id = twin.repo_id
)
SELECT * FROM final
ORDER BY similarity, repo, path
