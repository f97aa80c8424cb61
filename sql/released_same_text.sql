-- Bad result: many rows. Each is a released file whose text became equal to another's only by decoding or redaction;
--   one or two short files are normal.
-- Question: Which released files have the same text, though their contents differ?
-- Must be empty: no
-- Needs: docs
WITH
docs AS (SELECT * FROM stg_docs),
same_text AS (SELECT text_sha256 FROM docs GROUP BY text_sha256 HAVING count(DISTINCT blob_id) > 1),
final AS (SELECT text_sha256, repo, path, file_id, blob_id FROM docs SEMI JOIN same_text USING (text_sha256))
SELECT * FROM final
ORDER BY ALL
