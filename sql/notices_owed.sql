-- Bad result: a released file without a row, or one under a licence that nothing names.
-- Question: Where do the copyright lines and licences of each released file stand?
-- Must be empty: no
-- Needs: docs, license_conclusions, license_findings
WITH
docs AS (SELECT * FROM stg_docs),
license_conclusions AS (SELECT file_id, evidence FROM stg_license_conclusions),
license_findings AS (SELECT blob_id, copyrights FROM stg_license_findings WHERE len(copyrights) > 0),
released AS (
  SELECT docs.file_id, repo_id, repo, path, blob_id, license, coalesce(evidence, []) AS evidence
  FROM docs LEFT JOIN license_conclusions USING (file_id)
),
-- The lines stand in the file itself, or in the files that its licence was read from.
sources AS (
  SELECT file_id, blob_id FROM released
  UNION
  SELECT file_id, unnest(list_transform(evidence, lambda piece: piece.blob_id)) FROM released
),
lines AS (
  SELECT file_id, list_sort(list_distinct(flatten(list(copyrights)))) AS copyrights
  FROM sources JOIN license_findings USING (blob_id)
  GROUP BY file_id
),
final AS (
  SELECT repo, repo_id, path, released.file_id, blob_id, license,
    list_transform(
      evidence, lambda piece: {'path': piece.path, 'blob_id': piece.blob_id, 'expression': piece.expression}
    ) AS stated_in,
    coalesce(copyrights, []) AS copyrights
  FROM released LEFT JOIN lines USING (file_id)
)
SELECT * FROM final
ORDER BY repo, repo_id, path
