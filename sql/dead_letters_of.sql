-- Bad result: a repository that failed for a reason that passes, and was not tried again.
-- Question: What of a repository was not read or not passed on?
-- Must be empty: no
-- Needs: dead_letters, files, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
WITH
dead_letters AS (SELECT * FROM stg_dead_letters),
files AS (SELECT * FROM stg_files),
repos AS (SELECT * FROM stg_repos),
asked AS (SELECT repo_id, name FROM repos SEMI JOIN named USING (repo_id)),
own_ids AS (
  SELECT repo_id AS id, CAST(NULL AS VARCHAR) AS path FROM asked
  UNION ALL SELECT file_id, path FROM files WHERE repo_id IN (SELECT repo_id FROM asked)
  UNION ALL SELECT blob_id, path FROM files WHERE repo_id IN (SELECT repo_id FROM asked)
),
final AS (SELECT path, stage, error, hint, id FROM dead_letters JOIN own_ids USING (id))
SELECT * FROM final
ORDER BY path NULLS FIRST, stage, error, hint, id
