-- Bad result: a row with many bytes. A person who reads one file may bring a whole repository back.
-- Question: Which doubts about licences keep how much out, and what is the one thing to look at for each?
-- Must be empty: no
-- Needs: decisions, files, license_conclusions, repos
WITH
decisions AS (SELECT * FROM stg_decisions),
files AS (SELECT file_id, size FROM stg_files),
license_conclusions AS (SELECT * FROM stg_license_conclusions),
repos AS (
  SELECT repo_id, name, url, count(*) OVER (PARTITION BY lower(name)) > 1 AS is_shared FROM stg_repos
),
judged AS (
  SELECT decisions.*, size, header_expression, directory_expression, basis,
    list_filter(evidence, lambda piece: piece.role NOT IN ('own_header', 'reuse') AND piece.path <> '') AS speaking
  FROM (SELECT * EXCLUDE (evidence) FROM decisions) AS decisions
  JOIN license_conclusions USING (file_id) JOIN files USING (file_id)
),
kept AS (SELECT repo_id, count(*) AS kept FROM decisions WHERE verdict = 'kept' GROUP BY repo_id),
blocked AS (
  SELECT repo_id, reason, header_expression, directory_expression,
    -- A library in a folder of third-party code is asked about by itself: no answer for all of them could be right.
    regexp_extract(
      path,
      '(?i)^((.*/)?(_?vendors?|_?vendored|third[_-]?part(y|ies)|3rd[_-]?part(y|ies)|node_modules|bower_components'
        || '|jspm_packages|externals?|extern|deps|pods|carthage|godeps|site-packages)(/[^/]+)?)/',
      1
    ) AS library,
    -- What could not be identified, or else what speaks first; of a conflict, the files themselves.
    CASE WHEN reason <> 'license_conflict' THEN
      coalesce(list_filter(speaking, lambda piece: piece.expression IS NULL
        OR contains(piece.expression, 'LicenseRef-gleanery-changed-text'))[1].path, speaking[1].path)
    END AS look_at,
    count(*) AS files, CAST(sum(size) AS BIGINT) AS bytes, min(path) AS first_path, max(path) AS last_path
  FROM judged
  WHERE reason IN ('license_missing', 'license_unknown', 'license_conflict', 'license_not_allowed')
  GROUP BY ALL
),
causes AS (SELECT repo_id, count(*) AS causes FROM blocked GROUP BY repo_id),
-- The deepest folder that holds all files of a row is that of the first and the last of them.
parts AS (
  SELECT *, string_split(first_path, '/')[:-2] AS first_parts, string_split(last_path, '/')[:-2] AS last_parts
  FROM blocked
  WHERE reason <> 'license_not_allowed'
),
shared AS (
  SELECT *,
    list_filter(
      range(1, least(len(first_parts), len(last_parts)) + 1), lambda n: first_parts[1:n] = last_parts[1:n]
    ) AS depths
  FROM parts
),
final AS (
  SELECT row_number() OVER (
      ORDER BY
        bytes DESC, files DESC, name, url, first_path, reason, header_expression, directory_expression, library,
        look_at
    ) AS rank,
    -- An answer is about one source: where several bear its name, by its URL.
    CASE WHEN is_shared THEN url ELSE name END AS repository,
    array_to_string(first_parts[1:coalesce(list_max(depths), 0)], '/') AS path,
    header_expression AS header, reason, files, bytes, coalesce(kept, 0) = 0 AND causes = 1 AS whole_repository,
    directory_expression AS folder_says, look_at, first_path AS for_example, url
  FROM shared JOIN repos USING (repo_id) JOIN causes USING (repo_id) LEFT JOIN kept USING (repo_id)
)
SELECT * FROM final
ORDER BY rank
