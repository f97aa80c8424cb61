-- Bad result: any row. Each is a text that a disk or a person changed, or that a step wrote wrongly.
-- Question: Which documents are no longer the text whose digest was recorded when they were made?
-- Must be empty: yes
-- Needs: documents
WITH
documents AS (SELECT * FROM stg_documents),
final AS (
  SELECT repo, path, file_id, text_sha256 FROM documents WHERE sha256(text) <> text_sha256
)
SELECT * FROM final
ORDER BY ALL
