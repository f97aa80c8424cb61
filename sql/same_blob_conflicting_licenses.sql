-- Bad result: a released content that others publish under a stricter licence.
-- Question: Which contents stand under different licences in different places?
-- Must be empty: no
-- Needs: decisions, files, license_conclusions
WITH
decisions AS (SELECT * FROM stg_decisions),
-- An empty file is under as many licences as there are, which says nothing.
files AS (SELECT file_id FROM stg_files WHERE size > 0),
license_conclusions AS (SELECT file_id, expression FROM stg_license_conclusions),
final AS (
  SELECT blob_id, list(DISTINCT expression ORDER BY expression) AS licenses, count(*) AS files,
    count(DISTINCT repo_id) AS repositories, bool_or(verdict = 'kept') AS is_kept
  FROM decisions JOIN files USING (file_id) JOIN license_conclusions USING (file_id)
  WHERE blob_id IS NOT NULL
  GROUP BY blob_id
  HAVING count(DISTINCT expression) > 1
)
SELECT * FROM final
ORDER BY repositories DESC, files DESC, blob_id
