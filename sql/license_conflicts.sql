-- Bad result: kept files of which the head, or a weaker source, states a stricter licence than was concluded.
-- Question: Which files are under licences that do not agree: their own head, their folder, and what else speaks of it?
-- Must be empty: no
-- Needs: decisions, license_conclusions, repos
WITH
decisions AS (SELECT * FROM stg_decisions),
license_conclusions AS (SELECT * FROM stg_license_conclusions),
repos AS (SELECT repo_id, name, url FROM stg_repos),
clashing AS (
  SELECT repo_id, path, verdict, reason, header_expression, directory_expression,
    list_sort(list_distinct(list_transform(
      claims, lambda claim: concat(claim.source, ': ', coalesce(claim.expression, 'not identified'))
    ))) AS claims
  FROM license_conclusions JOIN decisions USING (file_id)
  WHERE conflict
),
final AS (
  SELECT name AS repo, header_expression, directory_expression,
    coalesce(array_to_string(claims, '; '), '') AS claims, verdict, reason, count(*) AS files, min(path) AS for_example,
    url
  FROM clashing LEFT JOIN repos USING (repo_id)
  GROUP BY repo_id, name, url, header_expression, directory_expression, claims, verdict, reason
)
SELECT * FROM final
ORDER BY files DESC, repo, header_expression, directory_expression, claims, reason, url
