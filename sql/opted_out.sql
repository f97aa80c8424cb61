-- Bad result: a repository whose owner asked, and which is not in this list.
-- Question: Which repositories were left out, wholly or in part, because an owner said no?
-- Must be empty: no
-- Needs: decisions, license_conclusions, optout_rules, repos
WITH
decisions AS (SELECT * FROM stg_decisions),
license_conclusions AS (
  SELECT file_id, concat_ws(' ', expression, header_expression, directory_expression,
      array_to_string(list_transform(claims, lambda claim: claim.expression), ' '),
      array_to_string(list_transform(evidence, lambda piece: piece.expression), ' ')
    ) AS said
  FROM stg_license_conclusions
),
-- A release leaves out who objected, so only a run can answer: it has rules, or a table without any.
optout_rules AS (SELECT * FROM stg_optout_rules),
repos AS (SELECT * FROM stg_repos),
left_out AS (
  SELECT repo_id, count(*) FILTER (reason = 'owner_opted_out') AS own_files,
    count(*) FILTER (reason = 'copy_of_opted_out') AS copies,
    -- The words of a licence file or a head: this work is not for the training of models.
    count(*) FILTER (verdict = 'rejected' AND contains(said, 'LicenseRef-gleanery-no-ai-training')) AS reserved
  FROM decisions LEFT JOIN license_conclusions USING (file_id)
  GROUP BY repo_id
),
final AS (
  SELECT name AS repo, status, optout_signal, coalesce(own_files, 0) AS own_files, coalesce(copies, 0) AS copies,
    coalesce(reserved, 0) AS reserved
  FROM repos LEFT JOIN left_out USING (repo_id)
  WHERE status = 'opted_out' OR optout_signal IS NOT NULL OR own_files > 0 OR copies > 0 OR reserved > 0
)
SELECT * FROM final
ORDER BY ALL
