-- Bad result: no row is bad. It says what a release would lose, before an owner asks.
-- Question: What would a release lose without a repository?
-- Must be empty: no
-- Needs: docs, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
WITH
docs AS (SELECT * FROM stg_docs),
repos AS (SELECT * FROM stg_repos),
asked AS (
  SELECT repo_id, name
  FROM repos
  WHERE repo_id = $repo OR lower(name) = lower($repo) OR url = $repo
    OR list_contains(list_transform(aliases, lambda alias: lower(alias)), lower($repo))
),
final AS (
  SELECT count(*) FILTER (is_asked) AS documents, CAST(coalesce(sum(tokens) FILTER (is_asked), 0) AS BIGINT) AS tokens,
    round(100.0 * coalesce(sum(tokens) FILTER (is_asked), 0) / nullif(sum(tokens), 0), 4) AS percent_of_tokens,
    count(DISTINCT shard) FILTER (is_asked) AS shards, count(DISTINCT shard) AS shards_of_the_release
  FROM (SELECT *, repo_id IN (SELECT repo_id FROM asked) AS is_asked FROM docs)
)
SELECT * FROM final
ORDER BY ALL
