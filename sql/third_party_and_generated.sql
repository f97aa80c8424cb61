-- Bad result: a folder of a project's own code.
-- Question: Which top folders hold third-party or generated files that were left out?
-- Must be empty: no
-- Needs: decisions, files, repos
WITH
decisions AS (SELECT * FROM stg_decisions),
files AS (SELECT file_id, size FROM stg_files),
repos AS (SELECT repo_id, name, url FROM stg_repos),
final AS (
  SELECT name AS repo, CASE WHEN contains(path, '/') THEN split_part(path, '/', 1) ELSE '' END AS folder, reason,
    count(*) AS files, CAST(sum(coalesce(size, 0)) AS BIGINT) AS bytes, url
  FROM decisions LEFT JOIN files USING (file_id) LEFT JOIN repos USING (repo_id)
  WHERE reason IN ('vendored', 'generated')
  GROUP BY repo_id, name, url, folder, reason
)
SELECT * FROM final
ORDER BY ALL
