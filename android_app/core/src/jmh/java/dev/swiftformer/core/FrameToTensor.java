package dev.swiftformer.core;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * From a camera's 640 x 480 YUV_420_888 planes (chroma interleaved, as phones have it) to the input tensor of 224 x 224
 * pixels, on one thread: copied, converted, turned, resampled, looked up and written. In milliseconds a frame.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class FrameToTensor {
    /** timm: scaled to 235, bicubic, and cut; authors: to 256; transformers: squashed, bilinear. */
    @Param({"timm", "authors", "transformers"})
    public String preprocessing;

    @Param({"90", "0"})
    public int rotation;

    @Param({"FLOAT32", "INT8"})
    public String type;

    private final FrameConverter converter = new FrameConverter();
    private final ByteBuffer luma = noise(640 * 480);
    private final ByteBuffer blue = noise(640 * 240 - 1);
    private final ByteBuffer red = noise(640 * 240 - 1);
    private InputWriter writer;
    private ByteBuffer input;

    private static ByteBuffer noise(int size) {
        byte[] bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        ByteBuffer direct = ByteBuffer.allocateDirect(size);
        direct.put(bytes);
        return direct;
    }

    @Setup
    public void setUp() {
        boolean squash = preprocessing.equals("transformers");
        double fraction = squash ? 1.0 : preprocessing.equals("timm") ? 0.95 : 0.875;
        Preprocessing contract = new Preprocessing(
            224, 224, squash ? Resize.SQUASH : Resize.CROP, fraction, squash ? ResampleFilter.BILINEAR : ResampleFilter.BICUBIC,
            Arrays.asList(0.485, 0.456, 0.406), Arrays.asList(0.229, 0.224, 0.225), ChannelOrder.RGB, CropOffset.HALF_EVEN);
        TensorSpec spec = new TensorSpec("input", Arrays.asList(1, 224, 224, 3), TensorType.valueOf(type), 0.0187f, -14);
        writer = new InputWriter(contract, InputKind.NORMALIZED, spec);
        input = ByteBuffer.allocateDirect(spec.getSizeBytes());
    }

    @Benchmark
    public ByteBuffer frame() {
        converter.load(luma, blue, red, 640, 1, 640, 2, 640, 480, 0, 0, 640, 480, rotation, false);
        writer.write(converter, input);
        return input;
    }
}
