-- Bad result: an entity that was found in the last release and is not found at all in this one.
-- Question: How much personal data and how many secrets were replaced, by which detector?
-- Must be empty: no
-- Needs: documents, redactions
WITH
documents AS (SELECT file_id, language FROM stg_documents),
redactions AS (SELECT * FROM stg_redactions),
final AS (
  SELECT
    entity, detector, language,
    -- A key in twenty lines of code is twenty spans: its placeholder stands in the first, the others become empty.
    count(*) FILTER (WHERE replacement <> '') AS places,
    count(*) AS spans, count(DISTINCT file_id) AS files, min(score) AS lowest_score
  FROM redactions LEFT JOIN documents USING (file_id)
  GROUP BY entity, detector, language
)
SELECT * FROM final
ORDER BY ALL
