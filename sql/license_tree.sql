-- Bad result: a folder of other people's code under the project's own licence.
-- Question: Which licence was concluded in each folder of a repository, where does it come from, and what was kept?
-- Must be empty: no
-- Needs: decisions, files, license_conclusions, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
WITH
decisions AS (SELECT * FROM stg_decisions),
files AS (SELECT file_id, size FROM stg_files),
license_conclusions AS (SELECT * FROM stg_license_conclusions),
repos AS (SELECT * FROM stg_repos),
asked AS (SELECT repo_id, name AS repo, url FROM repos SEMI JOIN named USING (repo_id)),
concluded AS (
  SELECT repo, url, path, regexp_extract(path, '^(.*)/[^/]*$', 1) AS folder, expression, header_expression,
    directory_expression, basis, conflict, uncertain, verdict, size, starts_with(rule, 'override ') AS is_overridden,
    list_sort(list_distinct(list_transform(
      claims, lambda claim: concat(claim.source, ': ', coalesce(claim.expression, 'not identified'))
    ))) AS claims,
    list_filter(
      license_conclusions.evidence, lambda piece: piece.role = basis AND basis <> 'own_header'
    )[1].path AS stated_in
  FROM decisions JOIN asked USING (repo_id) JOIN license_conclusions USING (file_id) JOIN files USING (file_id)
),
final AS (
  SELECT repo, url, folder, expression, basis, stated_in, conflict, uncertain,
    coalesce(array_to_string(claims, '; '), '') AS claims, count(*) AS files,
    count(*) FILTER (verdict = 'kept') AS kept, CAST(sum(size) AS BIGINT) AS bytes,
    count(*) FILTER (is_overridden) AS overridden, min(path) AS for_example,
    any_value(header_expression ORDER BY path) AS header_expression,
    any_value(directory_expression ORDER BY path) AS directory_expression
  FROM concluded
  GROUP BY repo, url, folder, expression, basis, stated_in, conflict, uncertain, claims
)
SELECT * FROM final
ORDER BY repo, url, folder, files DESC, expression, basis, stated_in, conflict, uncertain, claims
