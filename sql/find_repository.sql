-- Bad result: no row. The repository was in no input of this run.
-- Question: Which repositories have this name, or one like it?
-- Must be empty: no
-- Needs: repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
WITH
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
  SELECT *, repo_id IN (SELECT repo_id FROM asked) AS is_same,
    jaro_winkler_similarity(lower(name), lower($repo)) AS likeness
  FROM repos
),
final AS (
  SELECT is_same, round(likeness, 4) AS likeness, * EXCLUDE (is_same, likeness)
  FROM compared
  WHERE is_same OR likeness >= 0.75
)
SELECT * FROM final
ORDER BY is_same DESC, likeness DESC, name, repo_id
LIMIT 10
