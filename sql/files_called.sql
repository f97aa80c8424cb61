-- Bad result: a kept file of which somebody says that it is theirs.
-- Question: Which files of all repositories are called so, or have a path that ends so?
-- Must be empty: no
-- Needs: decisions, repos
-- Parameter path (required): the name of a file, or the end of its path
WITH
decisions AS (SELECT * FROM stg_decisions),
repos AS (SELECT * FROM stg_repos),
asked AS (
  SELECT repo_id, path, verdict, reason
  FROM decisions
  WHERE ends_with('/' || lower(path), '/' || lower($path))
),
final AS (
  SELECT repos.name AS repo, asked.path, asked.verdict, asked.reason
  FROM asked JOIN repos USING (repo_id)
)
SELECT * FROM final
ORDER BY verdict, repo, path
