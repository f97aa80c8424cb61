-- Bad result: a notice that could not be read. Its words cannot go with the copies of the files below it.
-- Question: Which notices and folders of licences stand in the repositories of released files?
-- Must be empty: no
-- Needs: docs, files
WITH
docs AS (SELECT DISTINCT repo_id, repo FROM stg_docs),
files AS (SELECT * FROM stg_files),
final AS (
  SELECT repo, repo_id, path, blob_id, skipped
  FROM files JOIN docs USING (repo_id)
  WHERE regexp_matches(path, '(?i)(^|/)((notices?|copyrights?|licen[sc]e|copying|unlicense)[^/]*|licen[sc]es/[^/]+)$')
)
SELECT * FROM final
ORDER BY repo, repo_id, path
