package gleanery;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.reflect.Field;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.beam.model.pipeline.v1.Endpoints.ApiServiceDescriptor;
import org.apache.beam.model.pipeline.v1.RunnerApi;
import org.apache.beam.runners.fnexecution.control.ControlClientPool;
import org.apache.beam.runners.fnexecution.control.DefaultJobBundleFactory;
import org.apache.beam.runners.fnexecution.control.ExecutableStageContext;
import org.apache.beam.runners.fnexecution.control.FnApiControlClientPoolService;
import org.apache.beam.runners.fnexecution.control.ReferenceCountingExecutableStageContextFactory;
import org.apache.beam.runners.fnexecution.control.StageBundleFactory;
import org.apache.beam.runners.fnexecution.artifact.ArtifactRetrievalService;
import org.apache.beam.runners.fnexecution.environment.EnvironmentFactory;
import org.apache.beam.runners.fnexecution.environment.ExternalEnvironmentFactory;
import org.apache.beam.runners.fnexecution.logging.GrpcLoggingService;
import org.apache.beam.runners.fnexecution.provisioning.StaticGrpcProvisionService;
import org.apache.beam.runners.spark.translation.SparkExecutableStageContextFactory;
import org.apache.beam.sdk.fn.IdGenerator;
import org.apache.beam.sdk.fn.server.GrpcContextHeaderAccessorProvider;
import org.apache.beam.sdk.fn.server.GrpcFnServer;
import org.apache.beam.sdk.fn.server.ServerFactory;
import org.apache.beam.sdk.util.construction.BeamUrns;
import org.apache.beam.sdk.util.construction.graph.ExecutableStage;
import org.apache.beam.vendor.grpc.v1p69p0.io.grpc.BindableService;
import org.apache.beam.vendor.grpc.v1p69p0.io.grpc.Server;
import org.apache.beam.vendor.grpc.v1p69p0.io.grpc.ServerInterceptors;
import org.apache.beam.vendor.grpc.v1p69p0.io.grpc.netty.NettyServerBuilder;
import org.apache.spark.SparkContext;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.api.plugin.SparkPlugin;
import org.apache.spark.util.Utils;

/**
 * What each node of a Spark cluster does for a run: it keeps one Python process that workers come from, beside its
 * executor, and lets nobody but this machine reach the ports by which the two speak.
 *
 * <p>In: the settings that the launcher was given and Spark hands on: {@code python}, the program; {@code code}, what it
 * runs; {@code workers}, how many tasks at once, or 0 for the cores of the executor; and what the process wants to be
 * told of whoever asks for a worker. Spark loads the class on the driver and on each executor; on a master inside the
 * driver's process the two are one. The process is started with the executor, and anew where it was lost.
 */
public final class SparkNodes implements SparkPlugin {
  /** Set by the launcher before Spark starts. */
  static Map<String, String> settings = Map.of();

  private static final int TIDY_SECONDS = 5;

  @Override
  public DriverPlugin driverPlugin() {
    return new DriverPlugin() {
      @Override
      public Map<String, String> init(SparkContext spark, PluginContext context) {
        return settings;
      }

      @Override
      public Object receive(Object message) {
        System.out.println(message);
        return null;
      }
    };
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return new ExecutorPlugin() {
      private Workers workers;

      @Override
      public void init(PluginContext context, Map<String, String> settings) {
        workers = new Workers(context, settings);
        serve(workers);
        workers.start();
      }

      @Override
      public void shutdown() {
        workers.end();
      }
    };
  }

  /** Has the stages of the run's jobs get their workers here. Beam's runner keeps what serves a job in a map of its own. */
  @SuppressWarnings("unchecked")
  private static void serve(Workers workers) {
    Map<String, EnvironmentFactory.Provider> providers =
        Map.of(BeamUrns.getUrn(RunnerApi.StandardEnvironments.Environments.EXTERNAL), workers);
    try {
      Field field = SparkExecutableStageContextFactory.class.getDeclaredField("jobFactories");
      field.setAccessible(true);
      Map<String, ExecutableStageContext.Factory> factories =
          (Map<String, ExecutableStageContext.Factory>) field.get(null);
      factories.put(
          SparkLauncher.JOB,
          ReferenceCountingExecutableStageContextFactory.create(
              info -> new Stages(DefaultJobBundleFactory.create(info, providers)), caller -> true));
    } catch (ReflectiveOperationException problem) {
      throw new IllegalStateException(problem);
    }
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

  /** The Python process of this node, and Beam's way to it. */
  private static final class Workers implements EnvironmentFactory.Provider {
    private final PluginContext context;
    private final Map<String, String> settings;
    private volatile Process process;
    private volatile Path said;
    private volatile String address;
    private volatile String failure;
    private volatile boolean ending;

    Workers(PluginContext context, Map<String, String> settings) {
      this.context = context;
      this.settings = settings;
    }

    synchronized void start() {
      try {
        said = Files.createTempFile("gleanery-workers-", ".log");
        said.toFile().deleteOnExit();
        ProcessBuilder builder = new ProcessBuilder(settings.get("python"), "-c", settings.get("code"));
        builder.redirectError(said.toFile());
        builder.environment().put("GLEANERY_WORKER_WORD", settings.get("word"));
        builder.environment().put("GLEANERY_WORKER_COUNT", Integer.toString(count()));
        address = null;
        process = builder.start();
        process.onExit().thenRun(this::tell);
      } catch (IOException problem) { // Spark would start the executor again and again: the first task tells it
        process = null;
        failure = problem.getMessage();
      }
    }

    /** Closes its input, at which it ends all that it started, tidies up and ends. */
    void end() {
      ending = true;
      if (process == null) {
        return;
      }
      try {
        process.getOutputStream().close();
        if (!process.waitFor(TIDY_SECONDS, TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
      } catch (IOException | InterruptedException problem) {
        process.destroyForcibly();
      }
    }

    /** How many tasks at once: as many as Spark gave this executor cores, unless somebody said how many. */
    private int count() {
      int given = Integer.parseInt(settings.get("workers"));
      if (given > 0) {
        return given;
      }
      List<String> words = Arrays.asList(System.getProperty("sun.java.command", "").split(" "));
      int place = words.indexOf("--cores");
      return place < 0 ? Runtime.getRuntime().availableProcessors() : Integer.parseInt(words.get(place + 1));
    }

    /** Tells the driver that the process has gone. One that did not even start is told by whoever waits for it. */
    private void tell() {
      if (!ending && address != null) {
        try {
          context.send("LOST");
        } catch (IOException | RuntimeException problem) {
          // the driver has gone, and needs no news
        }
      }
    }

    /** Where the process listens: its first line. */
    private synchronized String address() throws Exception {
      if (address != null && !process.isAlive()) {
        start();
      }
      if (address == null && failure == null) {
        String port = new BufferedReader(new InputStreamReader(process.getInputStream())).readLine();
        if (port == null) {
          process.waitFor(TIDY_SECONDS, TimeUnit.SECONDS);
          List<String> last = Files.readAllLines(said);
          failure = last.isEmpty() ? "it said nothing" : last.get(last.size() - 1);
        } else {
          address = "127.0.0.1:" + Integer.parseInt(port.strip());
        }
      }
      if (failure != null) {
        String where = " (it needs Gleanery at " + settings.get("python") + ")";
        throw new IllegalStateException("no workers on " + Utils.localHostName() + ": " + failure + where);
      }
      return address;
    }

    /** A graph names no address: each node has its own. */
    private RunnerApi.Environment here(RunnerApi.Environment environment) throws Exception {
      RunnerApi.ExternalPayload payload =
          RunnerApi.ExternalPayload.newBuilder()
              .setEndpoint(ApiServiceDescriptor.newBuilder().setUrl(address()))
              .putParams("word", settings.get("word"))
              .putParams("mark", settings.get("mark"))
              .putParams("program", settings.get("program"))
              .build();
      return environment.toBuilder().setPayload(payload.toByteString()).build();
    }

    @Override
    public EnvironmentFactory createEnvironmentFactory(
        GrpcFnServer<FnApiControlClientPoolService> control,
        GrpcFnServer<GrpcLoggingService> logging,
        GrpcFnServer<ArtifactRetrievalService> retrieval,
        GrpcFnServer<StaticGrpcProvisionService> provisioning,
        ControlClientPool clients,
        IdGenerator ids) {
      EnvironmentFactory external =
          new ExternalEnvironmentFactory.Provider()
              .createEnvironmentFactory(control, logging, retrieval, provisioning, clients, ids);
      return (environment, worker) -> external.createEnvironment(here(environment), worker);
    }

    @Override
    public ServerFactory getServerFactory() {
      return new LoopbackServers();
    }
  }

  /** Servers that only this machine reaches. Beam's own listen on every address of the machine. */
  private static final class LoopbackServers extends ServerFactory {
    @Override
    public Server allocateAddressAndCreate(List<BindableService> services, ApiServiceDescriptor.Builder descriptor)
        throws IOException {
      Server server = started(services, 0);
      descriptor.setUrl("127.0.0.1:" + server.getPort());
      return server;
    }

    @Override
    public Server create(List<BindableService> services, ApiServiceDescriptor descriptor) throws IOException {
      String url = descriptor.getUrl();
      return started(services, Integer.parseInt(url.substring(url.lastIndexOf(':') + 1)));
    }

    private static Server started(List<BindableService> services, int port) throws IOException {
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
