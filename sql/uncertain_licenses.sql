-- Bad result: a file of value. A person can read the licence that the detector could not.
-- Question: For which files could some licence evidence not be read to its end?
-- Must be empty: no
-- Needs: decisions, license_conclusions, repos
WITH
decisions AS (SELECT * FROM stg_decisions),
license_conclusions AS (SELECT * FROM stg_license_conclusions),
repos AS (SELECT repo_id, name FROM stg_repos),
final AS (
  SELECT name AS repo, path, verdict, reason, expression, basis
  FROM license_conclusions JOIN decisions USING (file_id) LEFT JOIN repos USING (repo_id)
  WHERE uncertain
)
SELECT * FROM final
ORDER BY ALL
