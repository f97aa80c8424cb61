-- Bad result: any row that a person, on reading the named lines, would not agree with.
-- Question: Which released files rest on licence evidence below a score?
-- Must be empty: no
-- Needs: docs, license_conclusions
-- Parameter threshold (default 80): the score, 0 to 100, below which evidence counts as weak
WITH
docs AS (SELECT * FROM stg_docs),
license_conclusions AS (SELECT * FROM stg_license_conclusions),
-- What a conclusion rests on is as weak as its weakest piece; stronger pieces about something else do not help it.
weakest AS (
  SELECT file_id, basis,
    list_min(
      list_transform(list_filter(evidence, lambda piece: piece.role = basis), lambda piece: piece.score)
    ) AS lowest_score
  FROM license_conclusions
),
final AS (
  SELECT docs.repo, docs.path, docs.license, basis, lowest_score
  FROM docs JOIN weakest USING (file_id)
  WHERE coalesce(lowest_score, 0) < CAST($threshold AS DOUBLE)
)
SELECT * FROM final
ORDER BY lowest_score NULLS FIRST, repo, path
