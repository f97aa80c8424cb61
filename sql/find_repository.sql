-- Bad result: no row. The repository was in no input of this run.
-- Question: Which repositories have this name, or one like it?
-- Must be empty: no
-- Needs: repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
WITH
repos AS (SELECT * FROM stg_repos),
compared AS (
  SELECT *, repo_id IN (SELECT repo_id FROM named) AS is_same,
    jaro_winkler_similarity(lower(name), lower($repo)) AS likeness
  FROM repos
),
final AS (
  SELECT is_same, round(likeness, 4) AS likeness, * EXCLUDE (is_same, likeness)
  FROM compared
  WHERE is_same OR likeness >= 0.75
  -- All that have the name, and of those that are like it the ten closest.
  QUALIFY is_same OR row_number() OVER (PARTITION BY is_same ORDER BY compared.likeness DESC, name, repo_id) <= 10
)
SELECT * FROM final
ORDER BY is_same DESC, likeness DESC, name, repo_id
