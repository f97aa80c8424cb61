-- Bad result: a repository that was read and of which nothing was kept, without a good reason.
-- Question: What became of every repository?
-- Must be empty: no
-- Needs: decisions, docs, repos
WITH
decisions AS (SELECT * FROM stg_decisions),
docs AS (SELECT * FROM stg_docs),
repos AS (SELECT * FROM stg_repos),
decided AS (
  SELECT repo_id, count(*) AS files, count(*) FILTER (verdict = 'kept') AS kept FROM decisions GROUP BY repo_id
),
released AS (
  SELECT repo_id, CAST(sum(tokens) AS BIGINT) AS tokens, list(DISTINCT license ORDER BY license) AS licenses
  FROM docs
  GROUP BY repo_id
),
final AS (
  SELECT name AS repo, kind, status, version, coalesce(files, 0) AS files, coalesce(kept, 0) AS kept,
    coalesce(tokens, 0) AS tokens, coalesce(licenses, []) AS licenses, url
  FROM repos LEFT JOIN decided USING (repo_id) LEFT JOIN released USING (repo_id)
)
SELECT * FROM final
ORDER BY tokens DESC, repo, version, url
