-- Bad result: a file that is plainly not the project's own, under the project's licence.
-- Question: Which released files have their licence from elsewhere than their own header?
-- Must be empty: no
-- Needs: docs, license_conclusions
WITH
docs AS (SELECT * FROM stg_docs),
license_conclusions AS (SELECT * FROM stg_license_conclusions),
final AS (
  SELECT docs.repo, docs.path, docs.license, basis,
    list_filter(evidence, lambda piece: piece.role = basis)[1].path AS stated_in, docs.tokens
  FROM docs JOIN license_conclusions USING (file_id)
  WHERE basis <> 'own_header'
)
SELECT * FROM final
ORDER BY ALL
