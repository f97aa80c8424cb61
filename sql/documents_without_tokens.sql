-- Bad result: any row. Each is a document that the token store lost, invented or holds in another form.
-- Question: Does the token store hold every document, and nothing else?
-- Must be empty: yes
-- Needs: dead_letters, docs, documents
WITH
dead_letters AS (SELECT * FROM stg_dead_letters),
docs AS (SELECT * FROM stg_docs),
documents AS (SELECT * EXCLUDE (text) FROM stg_documents),
lost AS (
  SELECT 'document without tokens' AS problem, repo, path, file_id
  FROM documents
  ANTI JOIN docs USING (file_id)
  ANTI JOIN dead_letters AS of_file ON of_file.id = documents.file_id
  ANTI JOIN dead_letters AS of_blob ON of_blob.id = documents.blob_id
),
invented AS (
  SELECT 'tokens without a document' AS problem, repo, path, file_id FROM docs ANTI JOIN documents USING (file_id)
),
different AS (
  SELECT 'tokens and document disagree' AS problem, docs.repo, docs.path, file_id
  FROM docs JOIN documents USING (file_id)
  WHERE (docs.repo_id, docs.repo, docs.path, docs.blob_id, docs.license, docs.text_sha256)
    <> (documents.repo_id, documents.repo, documents.path, documents.blob_id, documents.license, documents.text_sha256)
    OR docs.language IS DISTINCT FROM documents.language
),
final AS (
  SELECT * FROM lost
  UNION ALL SELECT * FROM invented
  UNION ALL SELECT * FROM different
)
SELECT * FROM final
ORDER BY ALL
