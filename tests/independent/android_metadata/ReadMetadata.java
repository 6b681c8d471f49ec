import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.TreeSet;
import org.tensorflow.lite.support.metadata.MetadataExtractor;
import org.tensorflow.lite.support.metadata.schema.ImageProperties;
import org.tensorflow.lite.support.metadata.schema.ModelMetadata;
import org.tensorflow.lite.support.metadata.schema.NormalizationOptions;
import org.tensorflow.lite.support.metadata.schema.ProcessUnitOptions;
import org.tensorflow.lite.support.metadata.schema.ScoreThresholdingOptions;
import org.tensorflow.lite.support.metadata.schema.TensorMetadata;

/** Prints what Android's MetadataExtractor reads of a .tflite file, one "key TAB value" a line, values in Base64. */
public class ReadMetadata {
  public static void main(String[] arguments) throws Exception {
    MetadataExtractor file = new MetadataExtractor(ByteBuffer.wrap(Files.readAllBytes(Path.of(arguments[0]))));
    say("has metadata", file.hasMetadata());
    say("parser is new enough", file.isMinimumParserVersionSatisfied());
    ModelMetadata model = file.getModelMetadata();
    say("name", model.name());
    say("description", model.description());
    say("version", model.version());
    say("author", model.author());
    say("license", model.license());

    say("input shape", Arrays.toString(file.getInputTensorShape(0)));
    TensorMetadata input = file.getInputTensorMetadata(0);
    ImageProperties image = (ImageProperties) input.content().contentProperties(new ImageProperties());
    say("color space", image.colorSpace());
    say("width", image.defaultSize().width());
    say("height", image.defaultSize().height());
    for (int i = 0; i < input.processUnitsLength(); i++) {
      if (input.processUnits(i).optionsType() == ProcessUnitOptions.NormalizationOptions) {
        NormalizationOptions options =
            (NormalizationOptions) input.processUnits(i).options(new NormalizationOptions());
        for (int channel = 0; channel < options.meanLength(); channel++) {
          say("mean " + channel, options.mean(channel));
          say("std " + channel, options.std(channel));
        }
      }
    }

    TensorMetadata output = file.getOutputTensorMetadata(0);
    for (int i = 0; i < output.processUnitsLength(); i++) {
      if (output.processUnits(i).optionsType() == ProcessUnitOptions.ScoreThresholdingOptions) {
        ScoreThresholdingOptions options =
            (ScoreThresholdingOptions) output.processUnits(i).options(new ScoreThresholdingOptions());
        say("score threshold", options.globalScoreThreshold());
      }
    }
    for (int i = 0; i < output.associatedFilesLength(); i++) {
      say("output file", output.associatedFiles(i).name() + " " + output.associatedFiles(i).type());
    }
    for (String name : new TreeSet<>(file.getAssociatedFileNames())) {
      try (InputStream content = file.getAssociatedFile(name)) {
        say("file " + name, new String(content.readAllBytes(), StandardCharsets.UTF_8));
      }
    }
  }

  private static void say(String key, Object value) {
    byte[] text = String.valueOf(value).getBytes(StandardCharsets.UTF_8);
    System.out.println(key + "\t" + Base64.getEncoder().encodeToString(text));
  }
}
