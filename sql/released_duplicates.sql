-- Bad result: any row. Each is a released file whose content is released a second time.
-- Question: Is any content released twice?
-- Must be empty: yes
-- Needs: docs
WITH
docs AS (SELECT * FROM stg_docs),
same_blob AS (SELECT blob_id FROM docs GROUP BY blob_id HAVING count(*) > 1),
final AS (SELECT blob_id, repo, path, file_id FROM docs SEMI JOIN same_blob USING (blob_id))
SELECT * FROM final
ORDER BY ALL
