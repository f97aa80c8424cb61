-- Bad result: any row. Each is a released file whose content, or whose redacted text, is released a second time.
-- Question: Is any content or any text released twice?
-- Must be empty: yes
-- Needs: docs
WITH
docs AS (SELECT * FROM stg_docs),
same_blob AS (SELECT blob_id AS id FROM docs GROUP BY blob_id HAVING count(*) > 1),
same_text AS (SELECT text_sha256 AS id FROM docs GROUP BY text_sha256 HAVING count(*) > 1),
final AS (
  SELECT 'same content' AS problem, id, repo, path, file_id FROM docs JOIN same_blob ON id = blob_id
  UNION ALL
  SELECT 'same text after redaction', id, repo, path, file_id FROM docs JOIN same_text ON id = text_sha256
  WHERE blob_id NOT IN (SELECT id FROM same_blob)
)
SELECT * FROM final
ORDER BY ALL
