-- Bad result: many records with one error. It is one cause, and one person can remove it.
-- Question: What was not read or not passed on, and what can a person do about it?
-- Must be empty: no
-- Needs: dead_letters
WITH
dead_letters AS (SELECT * FROM stg_dead_letters),
final AS (
  SELECT stage, error, hint, count(*) AS records, min(id) AS for_example
  FROM dead_letters
  GROUP BY stage, error, hint
)
SELECT * FROM final
ORDER BY stage, records DESC, error, hint
