package gleanery;

import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Collectors;
import org.apache.beam.model.pipeline.v1.RunnerApi;
import org.apache.beam.runners.fnexecution.provisioning.JobInfo;
import org.apache.beam.runners.spark.SparkPipelineOptions;
import org.apache.beam.runners.spark.SparkRunner;
import org.apache.beam.runners.spark.metrics.MetricsAccumulator;
import org.apache.beam.runners.spark.translation.SparkBatchPortablePipelineTranslator;
import org.apache.beam.runners.spark.translation.SparkContextFactory;
import org.apache.beam.runners.spark.translation.SparkTranslationContext;
import org.apache.beam.sdk.io.FileSystems;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.util.construction.PTransformTranslation;
import org.apache.beam.sdk.util.construction.PipelineOptionsTranslation;
import org.apache.beam.sdk.util.construction.graph.GreedyPipelineFuser;
import org.apache.beam.sdk.util.construction.graph.ProtoOverrides;
import org.apache.beam.sdk.util.construction.graph.SplittableParDoExpander;
import org.apache.beam.sdk.util.construction.graph.TrivialNativeTransformExpander;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * Runs portable Beam pipelines on Beam's own Spark runner, one after the other, on one Spark context.
 *
 * <p>In: as the argument, a file of properties: those of Spark, and the settings of {@link SparkNodes}. On standard input
 * lines, each a number of bundles to spread the elements over, and the path of a serialised pipeline. Out: lines on standard output: READY, for each pipeline DONE or FAILED,
 * and LOST when a node lost its Python workers. It stands in for Beam's job server, whose jar is not served for every
 * version; the steps are those of Beam's Spark runner.
 */
public final class SparkLauncher {
  /** All jobs of a run have one name: they come one after the other, and nodes know it before the first. */
  static final String JOB = "gleanery";

  private SparkLauncher() {}

  public static void main(String[] arguments) throws Exception {
    Properties given = new Properties();
    try (InputStream in = Files.newInputStream(Path.of(arguments[0]))) {
      given.load(in);
    }
    SparkNodes.settings =
        given.stringPropertyNames().stream()
            .filter(name -> !name.startsWith("spark."))
            .collect(Collectors.toMap(name -> name, given::getProperty));
    given.stringPropertyNames().stream()
        .filter(name -> name.startsWith("spark."))
        .forEach(name -> System.setProperty(name, given.getProperty(name)));
    SparkPipelineOptions options = PipelineOptionsFactory.create().as(SparkPipelineOptions.class);
    options.setRunner(SparkRunner.class);
    options.setSparkMaster(given.getProperty("spark.master"));
    options.setAppName("Gleanery");
    options.setFilesToStage(new ArrayList<>());
    FileSystems.setDefaultPipelineOptions(options);
    JavaSparkContext spark = SparkContextFactory.getSparkContext(options);
    spark.setLogLevel("ERROR");
    if (!spark.isLocal()) {
      awaitExecutor(spark, Long.parseLong(given.getProperty("patience")));
    }
    System.out.println("READY");
    BlockingQueue<String> paths = new LinkedBlockingQueue<>();
    new Thread(() -> listen(paths)).start();
    while (true) {
      try {
        String[] asked = paths.take().split(" ", 2);
        spark.sc().conf().set("spark.default.parallelism", asked[0]); // Spark asks for it in each job
        run(Path.of(asked[1]), options, spark);
        System.out.println("DONE");
      } catch (Exception problem) {
        problem.printStackTrace();
        System.out.println("FAILED");
      }
    }
  }

  /** Takes what is to be run. When the input ends, the driver has gone, be it in the middle of a job: all ends. */
  private static void listen(BlockingQueue<String> paths) {
    new BufferedReader(new InputStreamReader(System.in)).lines().forEach(paths::add);
    System.exit(0);
  }

  /** Waits until a node takes part: Spark itself would wait for one for ever, and say so only in its log. */
  private static void awaitExecutor(JavaSparkContext spark, long seconds) throws InterruptedException {
    long end = System.nanoTime() + seconds * 1_000_000_000L;
    while (spark.sc().isStopped() || spark.sc().getExecutorMemoryStatus().size() < 2) { // the driver is one
      if (spark.sc().isStopped() || System.nanoTime() > end) {
        String why = spark.sc().isStopped() ? "it ended the run (its logs tell why)" : "no node had room";
        System.err.println("Error: the cluster gave no executor: " + why);
        Runtime.getRuntime().halt(1);
      }
      Thread.sleep(100);
    }
  }

  private static void run(Path path, SparkPipelineOptions options, JavaSparkContext spark) throws Exception {
    RunnerApi.Pipeline pipeline;
    try (InputStream in = Files.newInputStream(path)) {
      pipeline = RunnerApi.Pipeline.parseFrom(in);
    }
    SparkBatchPortablePipelineTranslator translator = new SparkBatchPortablePipelineTranslator();
    RunnerApi.Pipeline sized =
        ProtoOverrides.updateTransform(
            PTransformTranslation.PAR_DO_TRANSFORM_URN, pipeline, SplittableParDoExpander.createSizedReplacement());
    RunnerApi.Pipeline known = TrivialNativeTransformExpander.forKnownUrns(sized, translator.knownUrns());
    RunnerApi.Pipeline fused = GreedyPipelineFuser.fuse(known).toPipeline();
    JobInfo job = JobInfo.create(JOB, JOB, "", PipelineOptionsTranslation.toProto(options));
    MetricsAccumulator.init(options, spark);
    SparkTranslationContext context = translator.createTranslationContext(spark, options, job);
    translator.translate(fused, context);
    context.computeOutputs();
  }
}
