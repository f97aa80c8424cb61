-- Bad result: no row for a file that was kept.
-- Question: In which shards do the tokens of a repository lie?
-- Must be empty: no
-- Needs: docs, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
-- Parameter path (default none): the path of one file inside the repository; without it, all files
WITH
docs AS (SELECT * FROM stg_docs),
repos AS (SELECT * FROM stg_repos),
asked AS (SELECT repo_id, name FROM repos SEMI JOIN named USING (repo_id)),
final AS (
  SELECT docs.repo, docs.path, shard, start, tokens, ordinal, license, language
  FROM docs
  WHERE repo_id IN (SELECT repo_id FROM asked) AND ($path = '' OR path = $path)
)
SELECT * FROM final
ORDER BY ordinal, repo, path
