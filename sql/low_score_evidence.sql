-- Bad result: any row that a person, on reading the named lines, would not agree with.
-- Question: Which released files rest on licence evidence below a score?
-- Must be empty: no
-- Needs: docs, license_conclusions
-- Parameter threshold (default 80): the score, 0 to 100, below which evidence counts as weak
WITH
docs AS (SELECT * FROM stg_docs),
license_conclusions AS (SELECT * FROM stg_license_conclusions),
best AS (
  SELECT file_id, basis, list_max(list_transform(evidence, lambda piece: piece.score)) AS best_score
  FROM license_conclusions
),
final AS (
  SELECT docs.repo, docs.path, docs.license, basis, best_score
  FROM docs JOIN best USING (file_id)
  WHERE coalesce(best_score, 0) < CAST($threshold AS DOUBLE)
)
SELECT * FROM final
ORDER BY best_score NULLS FIRST, repo, path
