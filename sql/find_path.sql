-- Bad result: no row. The repository holds nothing of this name.
-- Question: Which files of a repository have this path, or one like it?
-- Must be empty: no
-- Needs: decisions, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
-- Parameter path (required): the path of the file inside the repository
WITH
decisions AS (SELECT * FROM stg_decisions),
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
compared AS (
  SELECT path, verdict, reason, path = $path AS is_same,
    greatest(
      jaro_winkler_similarity(lower(path), lower($path)),
      CASE WHEN ends_with(lower(path), '/' || lower($path)) THEN 0.99 ELSE 0 END
    ) AS likeness
  FROM decisions
  WHERE repo_id IN (SELECT repo_id FROM asked)
),
final AS (
  SELECT is_same, round(likeness, 4) AS likeness, path, verdict, reason
  FROM compared
  WHERE is_same OR likeness >= 0.75
)
SELECT * FROM final
ORDER BY is_same DESC, likeness DESC, path
LIMIT 10
