import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
 * <p>In: lines on standard input, each the path of a serialised pipeline. Out: for each a line on standard output, DONE
 * or FAILED. It stands in for Beam's job server, whose jar is not served for every version; the steps are those of
 * Beam's Spark runner. Beam's options follow as arguments, such as --sparkMaster=local[2].
 */
public final class SparkLauncher {
  private SparkLauncher() {}

  public static void main(String[] arguments) throws Exception {
    SparkPipelineOptions options = PipelineOptionsFactory.fromArgs(arguments).as(SparkPipelineOptions.class);
    options.setRunner(SparkRunner.class);
    options.setFilesToStage(new ArrayList<>());
    FileSystems.setDefaultPipelineOptions(options);
    JavaSparkContext spark = SparkContextFactory.getSparkContext(options);
    spark.setLogLevel("ERROR");
    System.out.println("READY");
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      try {
        run(Path.of(line), options, spark);
        System.out.println("DONE");
      } catch (Exception problem) {
        problem.printStackTrace();
        System.out.println("FAILED");
      }
    }
    spark.stop();
    System.exit(0);
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
    String name = path.getParent().getFileName().toString();
    JobInfo job = JobInfo.create(name, name, "", PipelineOptionsTranslation.toProto(options));
    MetricsAccumulator.init(options, spark);
    SparkTranslationContext context = translator.createTranslationContext(spark, options, job);
    translator.translate(fused, context);
    context.computeOutputs();
  }
}
