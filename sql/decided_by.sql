-- Bad result: two versions of one rule. The decisions of one run come from one version of everything.
-- Question: Which rules, of which versions, decided how many files?
-- Must be empty: no
-- Needs: decisions
WITH
decisions AS (SELECT * FROM stg_decisions),
final AS (
  SELECT rule, rule_version, verdict, reason, count(*) AS files
  FROM decisions
  GROUP BY rule, rule_version, verdict, reason
)
SELECT * FROM final
ORDER BY ALL
