-- Bad result: a released repository without a row. Most licences ask that their notice goes with the copy.
-- Question: Which copyright lines and texts go with the released files, by repository and licence?
-- Must be empty: no
-- Needs: notices, repos
WITH
notices AS (SELECT * FROM stg_notices),
repos AS (SELECT * FROM stg_repos),
final AS (
  SELECT notices.repo, repos.url, repos.version, license, count(*) AS files, any_value(owed) AS owed,
    list_sort(list_distinct(flatten(list(copyrights)))) AS copyrights,
    list_sort(list_distinct(flatten(list(texts)))) AS texts,
    list_sort(list_distinct(flatten(list(notices.notices)))) AS notices
  FROM notices LEFT JOIN repos USING (repo_id)
  GROUP BY repo_id, notices.repo, repos.url, repos.version, license
)
SELECT * FROM final
ORDER BY repo, url, version, license
