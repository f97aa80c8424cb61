-- Bad result: a reason that does not fit the repository.
-- Question: How many files of a repository were kept, or rejected for which reason, under which licence?
-- Must be empty: no
-- Needs: decisions, license_conclusions, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
WITH
decisions AS (SELECT * FROM stg_decisions),
license_conclusions AS (SELECT file_id, expression FROM stg_license_conclusions),
repos AS (SELECT * FROM stg_repos),
asked AS (SELECT repo_id, name FROM repos SEMI JOIN named USING (repo_id)),
final AS (
  SELECT verdict, reason, expression, count(*) AS files, min(path) AS for_example
  FROM decisions LEFT JOIN license_conclusions USING (file_id)
  WHERE repo_id IN (SELECT repo_id FROM asked)
  GROUP BY verdict, reason, expression
)
SELECT * FROM final
ORDER BY verdict, files DESC, reason, expression
