-- Bad result: no row is bad. It says what a release would lose, before an owner asks.
-- Question: What would a release lose without a repository?
-- Must be empty: no
-- Needs: docs, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
WITH
docs AS (SELECT * FROM stg_docs),
repos AS (SELECT * FROM stg_repos),
asked AS (SELECT repo_id, name FROM repos SEMI JOIN named USING (repo_id)),
marked AS (
  SELECT docs.*, asked.repo_id IS NOT NULL AS is_asked FROM docs LEFT JOIN asked ON asked.repo_id = docs.repo_id
),
by_shard AS (
  SELECT shard, count(*) FILTER (is_asked) AS documents, coalesce(sum(tokens) FILTER (is_asked), 0) AS tokens,
    sum(tokens) AS all_tokens
  FROM marked
  GROUP BY shard
),
final AS (
  SELECT CAST(coalesce(sum(documents), 0) AS BIGINT) AS documents, CAST(coalesce(sum(tokens), 0) AS BIGINT) AS tokens,
    round(100.0 * coalesce(sum(tokens), 0) / nullif(sum(all_tokens), 0), 4) AS percent_of_tokens,
    count(*) FILTER (documents > 0) AS shards,
    -- Shards without a document are shards of the release too; their number is in the name of each.
    coalesce(max(try_cast(regexp_extract(shard, '-of-([0-9]+)', 1) AS BIGINT)), count(*)) AS shards_of_the_release
  FROM by_shard
)
SELECT * FROM final
ORDER BY ALL
