import dev.swiftformer.core.FrameConverter;
import dev.swiftformer.core.InputKind;
import dev.swiftformer.core.InputWriter;
import dev.swiftformer.core.Json;
import dev.swiftformer.core.ModelDescription;
import dev.swiftformer.core.ModelFile;
import dev.swiftformer.core.ModelProblemException;
import dev.swiftformer.core.Preprocessing;
import dev.swiftformer.core.RgbPicture;
import dev.swiftformer.core.RgbSource;
import dev.swiftformer.core.TensorSpec;
import dev.swiftformer.core.TensorType;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Runs the core as an APK ships it: in Java, so that nothing is on the class path but the shipped classes.
 *
 *     java -cp SHIPPED ShippedCore.java JOBS.json
 *
 * Each job of the list writes its "out": "tensor" jobs the input tensor's bytes of "planes" (files: one of RGB, or three
 * of a camera "frame"), "file" jobs what the core reads in the .tflite file "file", as JSON, or the kind of its problem.
 */
public final class ShippedCore {
    public static void main(String[] arguments) throws Exception {
        String jobs = Files.readString(Path.of(arguments[0]));
        for (Object entry : (List<?>) Json.INSTANCE.parse(jobs)) {
            Map<?, ?> job = (Map<?, ?>) entry;
            byte[] made = job.containsKey("file") ? described(job) : tensor(job);
            Files.write(Path.of((String) job.get("out")), made);
        }
    }

    private static byte[] tensor(Map<?, ?> job) throws Exception {
        Preprocessing preprocessing = Preprocessing.Companion.fromJson(job.get("preprocessing"));
        Map<?, ?> input = (Map<?, ?>) job.get("input");
        List<Integer> shape = Arrays.asList(1, preprocessing.getHeight(), preprocessing.getWidth(), 3);
        TensorSpec spec = new TensorSpec(
            "", shape, TensorType.valueOf(upper(input, "type")), ((Number) input.get("scale")).floatValue(),
            number(input, "zero_point"));
        InputWriter writer = new InputWriter(preprocessing, InputKind.valueOf(upper(input, "kind")), spec);
        ByteBuffer into = ByteBuffer.allocateDirect(spec.getSizeBytes());
        writer.write(source(job), into);
        byte[] bytes = new byte[into.capacity()];
        into.position(0);
        into.get(bytes);
        return bytes;
    }

    private static RgbSource source(Map<?, ?> job) throws Exception {
        List<?> planes = (List<?>) job.get("planes");
        if (!job.containsKey("frame")) {
            Map<?, ?> picture = (Map<?, ?>) job.get("picture");
            return new RgbPicture(number(picture, "width"), number(picture, "height"), bytes(planes.get(0)));
        }
        Map<?, ?> frame = (Map<?, ?>) job.get("frame");
        List<?> part = (List<?>) frame.get("crop");
        FrameConverter converter = new FrameConverter();
        converter.load(
            ByteBuffer.wrap(bytes(planes.get(0))), ByteBuffer.wrap(bytes(planes.get(1))),
            ByteBuffer.wrap(bytes(planes.get(2))), number(frame, "y_row_stride"), number(frame, "y_pixel_stride"),
            number(frame, "uv_row_stride"), number(frame, "uv_pixel_stride"), number(frame, "width"),
            number(frame, "height"), whole(part.get(0)), whole(part.get(1)), whole(part.get(2)), whole(part.get(3)),
            number(frame, "rotation"), (Boolean) frame.get("mirror"));
        return converter;
    }

    private static byte[] described(Map<?, ?> job) throws Exception {
        String file = (String) job.get("file");
        String name = Path.of(file).getFileName().toString();
        try {
            ModelDescription model = ModelFile.INSTANCE.read(ByteBuffer.wrap(bytes(file)), name, null);
            Map<String, Object> facts = new java.util.LinkedHashMap<>();
            facts.put("sha256", model.getSha256());
            facts.put("labels", model.getLabels());
            facts.put("name", model.getCard().getName());
            facts.put("preprocessing", model.getPreprocessing().toJson());
            return Json.INSTANCE.write(facts, false).getBytes("UTF-8");
        } catch (ModelProblemException problem) {
            if (!problem.getMessage().startsWith(name)) throw new AssertionError(problem.getMessage());
            return problem.getProblem().getKind().name().getBytes("UTF-8");
        }
    }

    private static byte[] bytes(Object file) throws Exception {
        return Files.readAllBytes(Path.of((String) file));
    }

    private static String upper(Map<?, ?> values, String name) {
        return ((String) values.get(name)).toUpperCase(Locale.ROOT);
    }

    private static int number(Map<?, ?> values, String name) {
        return whole(values.get(name));
    }

    private static int whole(Object value) {
        return ((Number) value).intValue();
    }
}
