-- Bad result: no row for a file that was kept.
-- Question: In which shards do the tokens of a repository lie?
-- Must be empty: no
-- Needs: docs, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
-- Parameter path (default none): the path of one file inside the repository; without it, all files
WITH
docs AS (SELECT * FROM stg_docs),
repos AS (SELECT * FROM stg_repos),
-- A repository is asked for as people write it: its address in any of its forms, too.
spelled AS (
  SELECT repo_id, name,
    list_transform(
      list_concat([$repo, name, url], aliases),
      lambda one: regexp_replace(
        regexp_replace(lower(one), '^[a-z+]+://|^[^/@]+@|([.]git)?/*$', '', 'g'), '^([^/:]+):([^/0-9])', '\1/\2'
      )
    ) AS names
  FROM repos
),
asked AS (
  SELECT repo_id, name FROM spelled WHERE repo_id = $repo OR list_contains(names[2:], names[1])
),
final AS (
  SELECT docs.repo, docs.path, shard, start, tokens, ordinal, license, language
  FROM docs
  WHERE repo_id IN (SELECT repo_id FROM asked) AND ($path = '' OR path = $path)
)
SELECT * FROM final
ORDER BY ordinal, repo, path
