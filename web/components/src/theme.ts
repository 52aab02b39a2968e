// Colours, type and density of both dashboards. CSS reads the palette through MUI's variables (--mui-palette-…).
import { createTheme } from "@mui/material/styles";

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", Arial, sans-serif';

/** Every text colour has a contrast of at least 4.5:1 on both of its scheme's surfaces. */
export const theme = createTheme({
  cssVariables: { colorSchemeSelector: "class" },
  defaultColorScheme: "dark",
  colorSchemes: {
    dark: {
      palette: {
        background: { default: "#0d1115", paper: "#141a20" },
        text: { primary: "#e4e9ed", secondary: "#9aa7b2" },
        divider: "#252e37",
        primary: { main: "#6aa5ff", contrastText: "#0b1420" },
        success: { main: "#35bd90", contrastText: "#06140f" },
        error: { main: "#ff6b76", contrastText: "#1c0508" },
        warning: { main: "#f2b03d", contrastText: "#1a1203" },
      },
    },
    light: {
      palette: {
        background: { default: "#eef1f4", paper: "#ffffff" },
        text: { primary: "#17202a", secondary: "#52606d" },
        divider: "#d5dbe1",
        primary: { main: "#1558b8", contrastText: "#ffffff" },
        success: { main: "#08704f", contrastText: "#ffffff" },
        error: { main: "#c02535", contrastText: "#ffffff" },
        warning: { main: "#8a5a00", contrastText: "#ffffff" },
      },
    },
  },
  shape: { borderRadius: 4 },
  typography: { fontFamily: FONT, fontSize: 13, button: { textTransform: "none", fontWeight: 600 } },
  components: {
    MuiCssBaseline: { styleOverrides: { body: { fontSize: 13, lineHeight: 1.4 } } },
    MuiDialogContent: { styleOverrides: { root: { fontSize: 14 } } },
    MuiButton: { defaultProps: { size: "small", disableElevation: true } },
    MuiTextField: { defaultProps: { size: "small", fullWidth: true } },
    MuiDialog: { defaultProps: { fullWidth: true, maxWidth: "xs" } },
    MuiPaper: { styleOverrides: { root: { backgroundImage: "none" } } },
  },
});
