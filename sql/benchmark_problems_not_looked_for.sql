-- Bad result: a problem that matters to whoever tests a model. Give its benchmark fewer `words`, or more `fields`.
-- Question: Which problems of benchmarks are too short, or too much like the others, to be looked for?
-- Must be empty: no
-- Needs: benchmark_problems
WITH
problems AS (SELECT benchmark, problem, runs FROM stg_benchmark_problems),
final AS (SELECT benchmark, problem FROM problems WHERE runs = 0)
SELECT * FROM final
ORDER BY ALL
