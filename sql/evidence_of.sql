-- Bad result: a kept file without a piece of evidence, or with one of a low score.
-- Question: Which licence was concluded for the files of a repository, and on what evidence?
-- Must be empty: no
-- Needs: decisions, license_conclusions, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
-- Parameter path (default none): the path of one file inside the repository; without it, all files
WITH
decisions AS (SELECT * FROM stg_decisions),
license_conclusions AS (SELECT * FROM stg_license_conclusions),
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
concluded AS (
  SELECT asked.name AS repo, path, verdict, reason, concluded.* EXCLUDE (file_id)
  FROM decisions
  JOIN asked USING (repo_id)
  JOIN license_conclusions AS concluded USING (file_id)
  WHERE $path = '' OR path = $path
),
pieces AS (
  SELECT * EXCLUDE (evidence), generate_subscripts(evidence, 1) AS rank, unnest(evidence) AS piece FROM concluded
  UNION ALL SELECT * EXCLUDE (evidence), 0, NULL FROM concluded WHERE len(evidence) = 0
),
final AS (
  SELECT repo, path, verdict, reason, expression, header_expression, directory_expression, basis, conflict,
    uncertain, rank, piece.role AS role, piece.path AS stated_in, piece.blob_id AS stated_in_blob,
    piece.expression AS states, piece.rule AS rule, piece.score AS score, piece.start_line AS start_line,
    piece.end_line AS end_line
  FROM pieces
)
SELECT * FROM final
ORDER BY repo, path, rank
