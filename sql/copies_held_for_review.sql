-- Bad result: a row in which the objector's copy is plainly not the origin: a person may then approve the other one.
-- Question: Which files are held back because a similar file elsewhere has an owner who objected?
-- Must be empty: no
-- Needs: decisions, repos
WITH
decisions AS (SELECT * FROM stg_decisions),
repos AS (SELECT repo_id, name, first_commit_at FROM stg_repos),
final AS (
  SELECT one.name AS repo, held.path, one.first_commit_at, other.name AS objector, twin.path AS objector_path,
    other.first_commit_at AS objector_first_commit_at, held.similarity, held.blob_id = twin.blob_id AS same_bytes,
    held.evidence
  FROM decisions AS held
  JOIN repos AS one USING (repo_id)
  LEFT JOIN decisions AS twin ON twin.file_id = held.twin_file_id
  LEFT JOIN repos AS other ON other.repo_id = twin.repo_id
  WHERE held.reason = 'copy_of_opted_out'
)
SELECT * FROM final
ORDER BY ALL
