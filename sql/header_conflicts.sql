-- Bad result: kept files of which the head states a stricter licence than the folder.
-- Question: Which files state another licence in their own head than their folder does?
-- Must be empty: no
-- Needs: decisions, license_conclusions, repos
WITH
decisions AS (SELECT * FROM stg_decisions),
license_conclusions AS (SELECT * FROM stg_license_conclusions),
repos AS (SELECT repo_id, name FROM stg_repos),
final AS (
  SELECT name AS repo, header_expression, directory_expression, reason, count(*) AS files, min(path) AS for_example
  FROM license_conclusions JOIN decisions USING (file_id) LEFT JOIN repos USING (repo_id)
  WHERE conflict
  GROUP BY ALL
)
SELECT * FROM final
ORDER BY files DESC, repo, header_expression, directory_expression, reason
