-- Bad result: a notice that could not be read. Its words cannot go with the copies of the files below it.
-- Question: Which files may be licence texts or notices, by their names, in the repositories of released files?
-- Must be empty: no
-- Needs: decisions, docs, files
WITH
docs AS (SELECT DISTINCT repo_id, repo FROM stg_docs),
files AS (SELECT * FROM stg_files),
decisions AS (SELECT file_id, reason FROM stg_decisions),
-- What an owner objects to is not published as a notice either.
final AS (
  SELECT repo, repo_id, path, blob_id, skipped, reason IS NOT DISTINCT FROM 'owner_opted_out' AS objected
  FROM files JOIN docs USING (repo_id) LEFT JOIN decisions USING (file_id)
  WHERE regexp_matches(
    path,
    '(?i)(^|/)('
      || 'licen[sc]es?/[^/]+'
      || '|[^/]*(notice|licen[sc]|copying|copyright|copyleft|attribution|eula|agreement)[^/]*'
      || '|[-_. ]*(legal|agpl|bsd|cc0|epl|fdl|gfdl|gpl|lgpl|mit|mpl|wtfpl)[^/]*'
      || ')$'
  )
)
SELECT * FROM final
ORDER BY repo, repo_id, path
