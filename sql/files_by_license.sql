-- Bad result: a licence with many files of which none was kept, and that the policy should allow.
-- Question: How many files stand under each licence, and how many of them were kept?
-- Must be empty: no
-- Needs: decisions, docs, files, license_conclusions
WITH
decisions AS (SELECT * FROM stg_decisions),
docs AS (SELECT file_id, license, tokens FROM stg_docs),
files AS (SELECT file_id, size FROM stg_files),
license_conclusions AS (SELECT file_id, expression FROM stg_license_conclusions),
-- A released file counts under the licence that it is released under, which a person may have decided.
final AS (
  SELECT coalesce(license, expression) AS license, count(*) AS files,
    count(*) FILTER (verdict = 'kept') AS kept, count(DISTINCT repo_id) AS repositories,
    CAST(sum(size) AS BIGINT) AS bytes, CAST(coalesce(sum(size) FILTER (verdict = 'kept'), 0) AS BIGINT) AS bytes_kept,
    CAST(coalesce(sum(tokens), 0) AS BIGINT) AS tokens
  FROM license_conclusions JOIN decisions USING (file_id) JOIN files USING (file_id) LEFT JOIN docs USING (file_id)
  GROUP BY ALL
)
SELECT * FROM final
ORDER BY files DESC, license
