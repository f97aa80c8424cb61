-- Bad result: any row. Each is a file that somebody's override kept without a record, or against its owner's will.
-- Question: Which files are kept by an override that is not on record, or that stands against their owner?
-- Must be empty: yes
-- Needs: decisions, license_conclusions, overrides, repos
WITH
decisions AS (SELECT * FROM stg_decisions),
license_conclusions AS (SELECT * FROM stg_license_conclusions),
overrides AS (SELECT * FROM stg_overrides),
repos AS (SELECT * FROM stg_repos),
kept AS (
  SELECT *, regexp_extract(rule, '^override ([0-9a-f]+):', 1) AS override_id
  FROM decisions
  WHERE verdict = 'kept' AND starts_with(rule, 'override ')
),
joined AS (
  SELECT name AS repo, kept.path, kept.file_id, kept.override_id, overrides.verdict AS ruled,
    overrides.override_id IS NOT NULL AS is_recorded,
    trim("by") <> '' AND trim(overrides.reason) <> '' AS is_signed,
    repos.status = 'opted_out' OR optout_signal IS NOT NULL AS has_objected,
    contains(
      concat_ws(' ', header_expression, directory_expression,
        array_to_string(list_transform(license_conclusions.evidence, lambda piece: piece.expression), ' '),
        array_to_string(list_transform(license_conclusions.claims, lambda claim: claim.expression), ' ')),
      'LicenseRef-gleanery-no-ai-training'
    ) AS is_reserved
  FROM kept LEFT JOIN overrides USING (override_id) LEFT JOIN repos USING (repo_id)
  LEFT JOIN license_conclusions USING (file_id)
),
judged AS (
  SELECT repo, path, file_id, override_id,
    CASE
      WHEN NOT is_recorded THEN 'the override is not on record'
      WHEN NOT is_signed THEN 'the override names no person or no reason'
      WHEN ruled = 'deny' THEN 'the override denies the file'
      WHEN has_objected THEN 'the owner opted out'
      WHEN is_reserved THEN 'the owner reserved the training of models'
    END AS problem
  FROM joined
),
final AS (SELECT * FROM judged WHERE problem IS NOT NULL)
SELECT * FROM final
ORDER BY ALL
