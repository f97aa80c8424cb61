-- Bad result: a span that is much longer than what its entity can be. The values themselves are stored nowhere.
-- Question: What was replaced in the files of a repository?
-- Must be empty: no
-- Needs: decisions, redactions, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
-- Parameter path (default none): the path of one file inside the repository; without it, all files
WITH
decisions AS (SELECT * FROM stg_decisions),
redactions AS (SELECT * FROM stg_redactions),
repos AS (SELECT * FROM stg_repos),
asked AS (SELECT repo_id, name FROM repos SEMI JOIN named USING (repo_id)),
final AS (
  SELECT asked.name AS repo, path, ordinal, entity, start, "end", new_start, replacement, detector, score
  FROM decisions
  JOIN asked USING (repo_id)
  JOIN redactions USING (file_id)
  WHERE $path = '' OR path = $path
)
SELECT * FROM final
ORDER BY repo, path, ordinal
