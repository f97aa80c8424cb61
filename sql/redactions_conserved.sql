-- Bad result: any row. Each is a released text whose record of replaced spans is incomplete or impossible.
-- Question: Is every replaced span of every document on record, once?
-- Must be empty: yes
-- Needs: documents, redactions
WITH
documents AS (SELECT * EXCLUDE (text) FROM stg_documents),
redactions AS (SELECT * FROM stg_redactions),
counted AS (SELECT file_id, count(*) AS spans FROM redactions GROUP BY file_id),
neighbours AS (
  SELECT *, lag("end", 1, 0) OVER (PARTITION BY file_id ORDER BY start, ordinal) AS end_before FROM redactions
),
final AS (
  SELECT 'the number of spans differs' AS problem, file_id, repo, path
  FROM documents LEFT JOIN counted USING (file_id)
  WHERE redactions <> coalesce(spans, 0)
  UNION ALL
  SELECT DISTINCT 'a span is empty or overlaps another', file_id, repo, path
  FROM neighbours JOIN documents USING (file_id)
  WHERE start >= "end" OR start < end_before OR new_start < 0
  UNION ALL
  SELECT DISTINCT 'a span is of another content', file_id, repo, path
  FROM redactions JOIN documents USING (file_id)
  WHERE redactions.blob_id <> documents.blob_id
)
SELECT * FROM final
ORDER BY ALL
