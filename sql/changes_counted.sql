-- Bad result: many files with the same content that were decided otherwise, and no rule behind it.
-- Question: How many files are new, gone, changed or decided otherwise than in the earlier run?
-- Must be empty: no
-- Needs: before_decisions, before_repos, decisions, repos
WITH
decisions AS (SELECT * FROM stg_decisions),
earlier AS (SELECT * FROM stg_before_decisions),
before_repos AS (SELECT repo_id, name FROM stg_before_repos),
-- A repository that is gone has its name from the earlier run.
repos AS (
  SELECT repo_id, name FROM stg_repos
  UNION ALL
  SELECT repo_id, name FROM before_repos ANTI JOIN stg_repos USING (repo_id)
),
both_runs AS (
  SELECT coalesce(now.repo_id, old.repo_id) AS repo_id, coalesce(now.path, old.path) AS path,
    old.reason AS reason_before, now.reason,
    CASE
      WHEN old.file_id IS NULL THEN 'new'
      WHEN now.file_id IS NULL THEN 'gone'
      WHEN now.blob_id IS DISTINCT FROM old.blob_id THEN 'changed'
      ELSE 'the same'
    END AS content
  FROM decisions AS now FULL JOIN earlier AS old ON old.file_id = now.file_id
),
final AS (
  SELECT content, reason_before, reason, count(*) AS files,
    min(coalesce(repos.name, both_runs.repo_id) || ':' || path) AS example
  FROM both_runs LEFT JOIN repos USING (repo_id)
  GROUP BY content, reason_before, reason
)
SELECT * FROM final
ORDER BY content = 'the same' AND reason IS NOT DISTINCT FROM reason_before, files DESC, content, reason_before, reason
