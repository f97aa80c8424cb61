-- Bad result: a host or a registry of packages that the sources should not have come from.
-- Question: From which hosts and package registries do the sources come, and how much of each is released?
-- Must be empty: no
-- Needs: decisions, docs, repos
WITH
decisions AS (SELECT * FROM stg_decisions),
docs AS (SELECT * FROM stg_docs),
repos AS (SELECT * FROM stg_repos),
decided AS (SELECT repo_id, count(*) AS files FROM decisions GROUP BY repo_id),
released AS (
  SELECT repo_id, count(*) AS documents, CAST(sum(tokens) AS BIGINT) AS tokens, CAST(sum(bytes) AS BIGINT) AS bytes
  FROM docs
  GROUP BY repo_id
),
placed AS (
  SELECT repo_id, kind, CASE
    WHEN url LIKE 'local:%' THEN 'a local copy'
    WHEN url LIKE 'pkg:%' THEN regexp_extract(url, '^pkg:[a-z]+')
    ELSE coalesce(nullif(regexp_extract(url, '^[a-z]+://(?:[^/@]*@)?([^/]+)', 1), ''), 'unknown')
  END AS host
  FROM repos
),
final AS (
  SELECT kind, host, count(*) AS repositories, CAST(count(documents) AS BIGINT) AS repositories_released,
    CAST(sum(coalesce(files, 0)) AS BIGINT) AS files, CAST(sum(coalesce(documents, 0)) AS BIGINT) AS documents,
    CAST(sum(coalesce(tokens, 0)) AS BIGINT) AS tokens, CAST(sum(coalesce(bytes, 0)) AS BIGINT) AS bytes
  FROM placed LEFT JOIN decided USING (repo_id) LEFT JOIN released USING (repo_id)
  GROUP BY kind, host
)
SELECT * FROM final
ORDER BY tokens DESC, kind, host
