-- Bad result: any row. Each is a released file whose text, as it is released, another file of the release has too.
-- Question: Is any text released twice, though the contents it was made from may differ?
-- Must be empty: yes
-- Needs: docs
WITH
docs AS (SELECT * FROM stg_docs),
same_text AS (SELECT text_sha256 FROM docs GROUP BY text_sha256 HAVING count(*) > 1),
final AS (SELECT text_sha256, repo, path, file_id, blob_id FROM docs SEMI JOIN same_text USING (text_sha256))
SELECT * FROM final
ORDER BY ALL
