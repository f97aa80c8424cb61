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
asked AS (SELECT repo_id, name FROM repos SEMI JOIN named USING (repo_id)),
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
