import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.reflect.Field;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.beam.model.pipeline.v1.Endpoints.ApiServiceDescriptor;
import org.apache.beam.model.pipeline.v1.RunnerApi;
import org.apache.beam.runners.fnexecution.control.DefaultJobBundleFactory;
import org.apache.beam.runners.fnexecution.control.ExecutableStageContext;
import org.apache.beam.runners.fnexecution.control.ReferenceCountingExecutableStageContextFactory;
import org.apache.beam.runners.fnexecution.control.StageBundleFactory;
import org.apache.beam.runners.fnexecution.environment.EnvironmentFactory;
import org.apache.beam.runners.fnexecution.environment.ExternalEnvironmentFactory;
import org.apache.beam.runners.fnexecution.provisioning.JobInfo;
import org.apache.beam.runners.spark.SparkPipelineOptions;
import org.apache.beam.runners.spark.SparkRunner;
import org.apache.beam.runners.spark.metrics.MetricsAccumulator;
import org.apache.beam.runners.spark.translation.SparkBatchPortablePipelineTranslator;
import org.apache.beam.runners.spark.translation.SparkContextFactory;
import org.apache.beam.runners.spark.translation.SparkExecutableStageContextFactory;
import org.apache.beam.runners.spark.translation.SparkTranslationContext;
import org.apache.beam.sdk.fn.server.GrpcContextHeaderAccessorProvider;
import org.apache.beam.sdk.fn.server.ServerFactory;
import org.apache.beam.sdk.io.FileSystems;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.util.construction.BeamUrns;
import org.apache.beam.sdk.util.construction.PTransformTranslation;
import org.apache.beam.sdk.util.construction.PipelineOptionsTranslation;
import org.apache.beam.sdk.util.construction.graph.GreedyPipelineFuser;
import org.apache.beam.sdk.util.construction.graph.ProtoOverrides;
import org.apache.beam.sdk.util.construction.graph.SplittableParDoExpander;
import org.apache.beam.sdk.util.construction.graph.TrivialNativeTransformExpander;
import org.apache.beam.sdk.util.construction.graph.ExecutableStage;
import org.apache.beam.vendor.grpc.v1p69p0.io.grpc.BindableService;
import org.apache.beam.vendor.grpc.v1p69p0.io.grpc.Server;
import org.apache.beam.vendor.grpc.v1p69p0.io.grpc.ServerInterceptors;
import org.apache.beam.vendor.grpc.v1p69p0.io.grpc.netty.NettyServerBuilder;
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
    listenOnLoopback(job.jobId());
    MetricsAccumulator.init(options, spark);
    SparkTranslationContext context = translator.createTranslationContext(spark, options, job);
    translator.translate(fused, context);
    context.computeOutputs();
  }

  /**
   * Makes the servers for the workers of a job listen on the loopback address. Beam's own listen on every address of the
   * machine, and its runner looks for the factory of a job in a map that only reflection reaches.
   */
  @SuppressWarnings("unchecked")
  private static void listenOnLoopback(String job) throws ReflectiveOperationException {
    Field field = SparkExecutableStageContextFactory.class.getDeclaredField("jobFactories");
    field.setAccessible(true);
    Map<String, ExecutableStageContext.Factory> factories = (Map<String, ExecutableStageContext.Factory>) field.get(null);
    EnvironmentFactory.Provider provider =
        new ExternalEnvironmentFactory.Provider() {
          @Override
          public ServerFactory getServerFactory() {
            return new LoopbackServers();
          }
        };
    Map<String, EnvironmentFactory.Provider> providers =
        Map.of(BeamUrns.getUrn(RunnerApi.StandardEnvironments.Environments.EXTERNAL), provider);
    factories.put(
        job,
        ReferenceCountingExecutableStageContextFactory.create(
            info -> new Stages(DefaultJobBundleFactory.create(info, providers)), caller -> true));
  }

  /** The stages of one job. */
  private record Stages(DefaultJobBundleFactory bundles) implements ExecutableStageContext {
    @Override
    public StageBundleFactory getStageBundleFactory(ExecutableStage stage) {
      return bundles.forStage(stage);
    }

    @Override
    public void close() throws Exception {
      bundles.close();
    }
  }

  /** Servers that only this machine reaches. */
  private static final class LoopbackServers extends ServerFactory {
    @Override
    public Server allocateAddressAndCreate(List<BindableService> services, ApiServiceDescriptor.Builder descriptor)
        throws java.io.IOException {
      Server server = started(services, 0);
      descriptor.setUrl("127.0.0.1:" + server.getPort());
      return server;
    }

    @Override
    public Server create(List<BindableService> services, ApiServiceDescriptor descriptor) throws java.io.IOException {
      String url = descriptor.getUrl();
      return started(services, Integer.parseInt(url.substring(url.lastIndexOf(':') + 1)));
    }

    private static Server started(List<BindableService> services, int port) throws java.io.IOException {
      InetSocketAddress address = new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port);
      NettyServerBuilder builder =
          NettyServerBuilder.forAddress(address)
              .maxInboundMessageSize(Integer.MAX_VALUE)
              .permitKeepAliveTime(10, TimeUnit.SECONDS)
              .permitKeepAliveWithoutCalls(true);
      for (BindableService service : services) {
        builder.addService(ServerInterceptors.intercept(service, GrpcContextHeaderAccessorProvider.interceptor()));
      }
      return builder.build().start();
    }
  }
}
