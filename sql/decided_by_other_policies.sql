-- Bad result: any row. Each is a file whose licence was judged by another policy than the one that the manifest names.
-- Question: Which licence decisions come from another version of the policy than the rest, or than the one given?
-- Must be empty: yes
-- Needs: decisions, repos
-- Parameter policy (default none): the version that a manifest names; if none is given, the one of most decisions
WITH
decisions AS (SELECT * FROM stg_decisions),
repos AS (SELECT repo_id, name FROM stg_repos),
-- What is kept was allowed by the policy; what is not may have been judged by another rule, which has its own version.
by_policy AS (
  SELECT * FROM decisions WHERE verdict = 'kept' OR starts_with(reason, 'license_')
),
most AS (
  SELECT rule_version FROM by_policy GROUP BY rule_version ORDER BY count(*) DESC, rule_version LIMIT 1
),
wanted AS (
  SELECT rule_version AS version FROM most WHERE $policy = ''
  UNION ALL SELECT $policy WHERE $policy <> ''
),
final AS (
  SELECT coalesce(name, repo_id) AS repo, path, file_id, verdict, reason, rule, rule_version
  FROM (SELECT * FROM by_policy ANTI JOIN wanted ON rule_version = version) LEFT JOIN repos USING (repo_id)
)
SELECT * FROM final
ORDER BY ALL
