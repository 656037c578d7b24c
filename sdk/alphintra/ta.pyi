"""TA-Lib's indicators; written by scripts/build_ta_stub.py."""

from typing import Any

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

def AC(high: Any, low: Any, fastperiod: int = ..., slowperiod: int = ..., signalperiod: int = ...) -> F64:
    """Accelerator/Decelerator Oscillator (Momentum Indicators). Returns real."""
def ACCBANDS(high: Any, low: Any, close: Any, timeperiod: int = ...) -> tuple[F64, F64, F64]:
    """Acceleration Bands (Overlap Studies). Returns upperband, middleband, lowerband."""
def ACOS(real: Any) -> F64:
    """Vector Trigonometric ACos (Math Transform). Returns real."""
def AD(high: Any, low: Any, close: Any, volume: Any) -> F64:
    """Chaikin A/D Line (Volume Indicators). Returns real."""
def ADD(high: Any, low: Any) -> F64:
    """Vector Arithmetic Add (Math Operators). Returns real."""
def ADOSC(high: Any, low: Any, close: Any, volume: Any, fastperiod: int = ..., slowperiod: int = ...) -> F64:
    """Chaikin A/D Oscillator (Volume Indicators). Returns real."""
def ADR(high: Any, low: Any, timeperiod: int = ...) -> F64:
    """Average Day Range (Volatility Indicators). Returns real."""
def ADX(high: Any, low: Any, close: Any, timeperiod: int = ...) -> F64:
    """Average Directional Movement Index (Momentum Indicators). Returns real."""
def ADXR(high: Any, low: Any, close: Any, timeperiod: int = ...) -> F64:
    """Average Directional Movement Index Rating (Momentum Indicators). Returns real."""
def AO(high: Any, low: Any, fastperiod: int = ..., slowperiod: int = ...) -> F64:
    """Awesome Oscillator (Momentum Indicators). Returns real."""
def APO(real: Any, fastperiod: int = ..., slowperiod: int = ..., matype: int = ...) -> F64:
    """Absolute Price Oscillator (Momentum Indicators). Returns real."""
def AROON(high: Any, low: Any, timeperiod: int = ...) -> tuple[F64, F64]:
    """Aroon (Momentum Indicators). Returns aroondown, aroonup."""
def AROONOSC(high: Any, low: Any, timeperiod: int = ...) -> F64:
    """Aroon Oscillator (Momentum Indicators). Returns real."""
def ASIN(real: Any) -> F64:
    """Vector Trigonometric ASin (Math Transform). Returns real."""
def ATAN(real: Any) -> F64:
    """Vector Trigonometric ATan (Math Transform). Returns real."""
def ATR(high: Any, low: Any, close: Any, timeperiod: int = ...) -> F64:
    """Average True Range (Volatility Indicators). Returns real."""
def AVGDEV(real: Any, timeperiod: int = ...) -> F64:
    """Average Deviation (Price Transform). Returns real."""
def AVGPRICE(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Average Price (Price Transform). Returns real."""
def BBANDS(real: Any, timeperiod: int = ..., nbdevup: float = ..., nbdevdn: float = ..., matype: int = ...) -> tuple[F64, F64, F64]:
    """Bollinger Bands (Overlap Studies). Returns upperband, middleband, lowerband."""
def BETA(high: Any, low: Any, timeperiod: int = ...) -> F64:
    """Beta (Statistic Functions). Returns real."""
def BOP(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Balance Of Power (Momentum Indicators). Returns real."""
def CCI(high: Any, low: Any, close: Any, timeperiod: int = ...) -> F64:
    """Commodity Channel Index (Momentum Indicators). Returns real."""
def CDL2CROWS(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Two Crows (Pattern Recognition). Returns integer."""
def CDL3BLACKCROWS(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Three Black Crows (Pattern Recognition). Returns integer."""
def CDL3INSIDE(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Three Inside Up/Down (Pattern Recognition). Returns integer."""
def CDL3LINESTRIKE(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Three-Line Strike (Pattern Recognition). Returns integer."""
def CDL3OUTSIDE(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Three Outside Up/Down (Pattern Recognition). Returns integer."""
def CDL3STARSINSOUTH(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Three Stars In The South (Pattern Recognition). Returns integer."""
def CDL3WHITESOLDIERS(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Three Advancing White Soldiers (Pattern Recognition). Returns integer."""
def CDLABANDONEDBABY(open: Any, high: Any, low: Any, close: Any, penetration: float = ...) -> F64:
    """Abandoned Baby (Pattern Recognition). Returns integer."""
def CDLADVANCEBLOCK(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Advance Block (Pattern Recognition). Returns integer."""
def CDLBELTHOLD(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Belt-hold (Pattern Recognition). Returns integer."""
def CDLBREAKAWAY(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Breakaway (Pattern Recognition). Returns integer."""
def CDLCLOSINGMARUBOZU(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Closing Marubozu (Pattern Recognition). Returns integer."""
def CDLCONCEALBABYSWALL(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Concealing Baby Swallow (Pattern Recognition). Returns integer."""
def CDLCOUNTERATTACK(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Counterattack (Pattern Recognition). Returns integer."""
def CDLDARKCLOUDCOVER(open: Any, high: Any, low: Any, close: Any, penetration: float = ...) -> F64:
    """Dark Cloud Cover (Pattern Recognition). Returns integer."""
def CDLDOJI(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Doji (Pattern Recognition). Returns integer."""
def CDLDOJISTAR(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Doji Star (Pattern Recognition). Returns integer."""
def CDLDRAGONFLYDOJI(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Dragonfly Doji (Pattern Recognition). Returns integer."""
def CDLENGULFING(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Engulfing Pattern (Pattern Recognition). Returns integer."""
def CDLEVENINGDOJISTAR(open: Any, high: Any, low: Any, close: Any, penetration: float = ...) -> F64:
    """Evening Doji Star (Pattern Recognition). Returns integer."""
def CDLEVENINGSTAR(open: Any, high: Any, low: Any, close: Any, penetration: float = ...) -> F64:
    """Evening Star (Pattern Recognition). Returns integer."""
def CDLGAPSIDESIDEWHITE(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Up/Down-gap side-by-side white lines (Pattern Recognition). Returns integer."""
def CDLGRAVESTONEDOJI(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Gravestone Doji (Pattern Recognition). Returns integer."""
def CDLHAMMER(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Hammer (Pattern Recognition). Returns integer."""
def CDLHANGINGMAN(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Hanging Man (Pattern Recognition). Returns integer."""
def CDLHARAMI(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Harami Pattern (Pattern Recognition). Returns integer."""
def CDLHARAMICROSS(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Harami Cross Pattern (Pattern Recognition). Returns integer."""
def CDLHIGHWAVE(open: Any, high: Any, low: Any, close: Any) -> F64:
    """High-Wave Candle (Pattern Recognition). Returns integer."""
def CDLHIKKAKE(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Hikkake Pattern (Pattern Recognition). Returns integer."""
def CDLHIKKAKEMOD(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Modified Hikkake Pattern (Pattern Recognition). Returns integer."""
def CDLHOMINGPIGEON(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Homing Pigeon (Pattern Recognition). Returns integer."""
def CDLIDENTICAL3CROWS(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Identical Three Crows (Pattern Recognition). Returns integer."""
def CDLINNECK(open: Any, high: Any, low: Any, close: Any) -> F64:
    """In-Neck Pattern (Pattern Recognition). Returns integer."""
def CDLINVERTEDHAMMER(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Inverted Hammer (Pattern Recognition). Returns integer."""
def CDLKICKING(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Kicking (Pattern Recognition). Returns integer."""
def CDLKICKINGBYLENGTH(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Kicking - bull/bear determined by the longer marubozu (Pattern Recognition). Returns integer."""
def CDLLADDERBOTTOM(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Ladder Bottom (Pattern Recognition). Returns integer."""
def CDLLONGLEGGEDDOJI(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Long Legged Doji (Pattern Recognition). Returns integer."""
def CDLLONGLINE(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Long Line Candle (Pattern Recognition). Returns integer."""
def CDLMARUBOZU(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Marubozu (Pattern Recognition). Returns integer."""
def CDLMATCHINGLOW(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Matching Low (Pattern Recognition). Returns integer."""
def CDLMATHOLD(open: Any, high: Any, low: Any, close: Any, penetration: float = ...) -> F64:
    """Mat Hold (Pattern Recognition). Returns integer."""
def CDLMORNINGDOJISTAR(open: Any, high: Any, low: Any, close: Any, penetration: float = ...) -> F64:
    """Morning Doji Star (Pattern Recognition). Returns integer."""
def CDLMORNINGSTAR(open: Any, high: Any, low: Any, close: Any, penetration: float = ...) -> F64:
    """Morning Star (Pattern Recognition). Returns integer."""
def CDLONNECK(open: Any, high: Any, low: Any, close: Any) -> F64:
    """On-Neck Pattern (Pattern Recognition). Returns integer."""
def CDLPIERCING(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Piercing Pattern (Pattern Recognition). Returns integer."""
def CDLRICKSHAWMAN(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Rickshaw Man (Pattern Recognition). Returns integer."""
def CDLRISEFALL3METHODS(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Rising/Falling Three Methods (Pattern Recognition). Returns integer."""
def CDLSEPARATINGLINES(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Separating Lines (Pattern Recognition). Returns integer."""
def CDLSHOOTINGSTAR(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Shooting Star (Pattern Recognition). Returns integer."""
def CDLSHORTLINE(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Short Line Candle (Pattern Recognition). Returns integer."""
def CDLSPINNINGTOP(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Spinning Top (Pattern Recognition). Returns integer."""
def CDLSTALLEDPATTERN(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Stalled Pattern (Pattern Recognition). Returns integer."""
def CDLSTICKSANDWICH(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Stick Sandwich (Pattern Recognition). Returns integer."""
def CDLTAKURI(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Takuri (Dragonfly Doji with very long lower shadow) (Pattern Recognition). Returns integer."""
def CDLTASUKIGAP(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Tasuki Gap (Pattern Recognition). Returns integer."""
def CDLTHRUSTING(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Thrusting Pattern (Pattern Recognition). Returns integer."""
def CDLTRISTAR(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Tristar Pattern (Pattern Recognition). Returns integer."""
def CDLUNIQUE3RIVER(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Unique 3 River (Pattern Recognition). Returns integer."""
def CDLUPSIDEGAP2CROWS(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Upside Gap Two Crows (Pattern Recognition). Returns integer."""
def CDLXSIDEGAP3METHODS(open: Any, high: Any, low: Any, close: Any) -> F64:
    """Upside/Downside Gap Three Methods (Pattern Recognition). Returns integer."""
def CEIL(real: Any) -> F64:
    """Vector Ceil (Math Transform). Returns real."""
def CMF(high: Any, low: Any, close: Any, volume: Any, timeperiod: int = ...) -> F64:
    """Chaikin Money Flow (Volume Indicators). Returns real."""
def CMO(real: Any, timeperiod: int = ...) -> F64:
    """Chande Momentum Oscillator (Momentum Indicators). Returns real."""
def CMOU(real: Any, timeperiod: int = ...) -> F64:
    """Chande Momentum Oscillator (Unsmoothed) (Momentum Indicators). Returns real."""
def COPPOCK(real: Any, wmaperiod: int = ..., roc1period: int = ..., roc2period: int = ...) -> F64:
    """Coppock Curve (Momentum Indicators). Returns real."""
def CORREL(high: Any, low: Any, timeperiod: int = ...) -> F64:
    """Pearson's Correlation Coefficient (r) (Statistic Functions). Returns real."""
def COS(real: Any) -> F64:
    """Vector Trigonometric Cos (Math Transform). Returns real."""
def COSH(real: Any) -> F64:
    """Vector Trigonometric Cosh (Math Transform). Returns real."""
def CUMSUM(real: Any) -> F64:
    """Cumulative Sum (Math Operators). Returns real."""
def CVI(high: Any, low: Any, timeperiod: int = ..., rocperiod: int = ...) -> F64:
    """Chaikin's Volatility (Volatility Indicators). Returns real."""
def DEMA(real: Any, timeperiod: int = ...) -> F64:
    """Double Exponential Moving Average (Overlap Studies). Returns real."""
def DIV(high: Any, low: Any) -> F64:
    """Vector Arithmetic Div (Math Operators). Returns real."""
def DONCHIAN(high: Any, low: Any, timeperiod: int = ...) -> tuple[F64, F64, F64]:
    """Donchian Channels (Overlap Studies). Returns upperband, middleband, lowerband."""
def DPO(real: Any, timeperiod: int = ...) -> F64:
    """Detrended Price Oscillator (Momentum Indicators). Returns real."""
def DX(high: Any, low: Any, close: Any, timeperiod: int = ...) -> F64:
    """Directional Movement Index (Momentum Indicators). Returns real."""
def EFI(close: Any, volume: Any, timeperiod: int = ...) -> F64:
    """Elder's Force Index (Volume Indicators). Returns real."""
def EMA(real: Any, timeperiod: int = ...) -> F64:
    """Exponential Moving Average (Overlap Studies). Returns real."""
def ER(real: Any, timeperiod: int = ...) -> F64:
    """Kaufman Efficiency Ratio (Momentum Indicators). Returns real."""
def ERI(high: Any, low: Any, close: Any, timeperiod: int = ...) -> tuple[F64, F64]:
    """Elder Ray Index (Bull Power / Bear Power) (Momentum Indicators). Returns bullpower, bearpower."""
def EXP(real: Any) -> F64:
    """Vector Arithmetic Exp (Math Transform). Returns real."""
def FLOOR(real: Any) -> F64:
    """Vector Floor (Math Transform). Returns real."""
def FOSC(real: Any, timeperiod: int = ...) -> F64:
    """Forecast Oscillator (Momentum Indicators). Returns real."""
def FRACTAL(high: Any, low: Any, leftbars: int = ..., rightbars: int = ...) -> tuple[F64, F64]:
    """Williams Fractal (Momentum Indicators). Returns swinghigh, swinglow."""
def HA(open: Any, high: Any, low: Any, close: Any) -> tuple[F64, F64, F64, F64]:
    """Heikin-Ashi Candles (Price Transform). Returns haopen, hahigh, halow, haclose."""
def HMA(real: Any, timeperiod: int = ...) -> F64:
    """Hull Moving Average (Overlap Studies). Returns real."""
def HT_DCPERIOD(real: Any) -> F64:
    """Hilbert Transform - Dominant Cycle Period (Cycle Indicators). Returns real."""
def HT_DCPHASE(real: Any) -> F64:
    """Hilbert Transform - Dominant Cycle Phase (Cycle Indicators). Returns real."""
def HT_PHASOR(real: Any) -> tuple[F64, F64]:
    """Hilbert Transform - Phasor Components (Cycle Indicators). Returns inphase, quadrature."""
def HT_SINE(real: Any) -> tuple[F64, F64]:
    """Hilbert Transform - SineWave (Cycle Indicators). Returns sine, leadsine."""
def HT_TRENDLINE(real: Any) -> F64:
    """Hilbert Transform - Instantaneous Trendline (Overlap Studies). Returns real."""
def HT_TRENDMODE(real: Any) -> F64:
    """Hilbert Transform - Trend vs Cycle Mode (Cycle Indicators). Returns integer."""
def IMI(open: Any, close: Any, timeperiod: int = ...) -> F64:
    """Intraday Momentum Index (Momentum Indicators). Returns real."""
def KAMA(real: Any, timeperiod: int = ...) -> F64:
    """Kaufman Adaptive Moving Average (Overlap Studies). Returns real."""
def KC(high: Any, low: Any, close: Any, timeperiod: int = ..., atrperiod: int = ..., nbdev: float = ...) -> tuple[F64, F64, F64]:
    """Keltner Channels (Overlap Studies). Returns upperband, middleband, lowerband."""
def KDJ(high: Any, low: Any, close: Any, fastk_period: int = ..., slowk_period: int = ..., slowk_matype: int = ..., slowd_period: int = ..., slowd_matype: int = ...) -> tuple[F64, F64, F64]:
    """KDJ Stochastic (Momentum Indicators). Returns k, d, j."""
def LINEARREG(real: Any, timeperiod: int = ...) -> F64:
    """Linear Regression (Statistic Functions). Returns real."""
def LINEARREG_ANGLE(real: Any, timeperiod: int = ...) -> F64:
    """Linear Regression Angle (Statistic Functions). Returns real."""
def LINEARREG_INTERCEPT(real: Any, timeperiod: int = ...) -> F64:
    """Linear Regression Intercept (Statistic Functions). Returns real."""
def LINEARREG_SLOPE(real: Any, timeperiod: int = ...) -> F64:
    """Linear Regression Slope (Statistic Functions). Returns real."""
def LN(real: Any) -> F64:
    """Vector Log Natural (Math Transform). Returns real."""
def LOG10(real: Any) -> F64:
    """Vector Log10 (Math Transform). Returns real."""
def MA(real: Any, timeperiod: int = ..., matype: int = ...) -> F64:
    """Moving average (Overlap Studies). Returns real."""
def MACD(real: Any, fastperiod: int = ..., slowperiod: int = ..., signalperiod: int = ...) -> tuple[F64, F64, F64]:
    """Moving Average Convergence/Divergence (Momentum Indicators). Returns macd, macdsignal, macdhist."""
def MACDEXT(real: Any, fastperiod: int = ..., fastmatype: int = ..., slowperiod: int = ..., slowmatype: int = ..., signalperiod: int = ..., signalmatype: int = ...) -> tuple[F64, F64, F64]:
    """MACD with controllable MA type (Momentum Indicators). Returns macd, macdsignal, macdhist."""
def MACDFIX(real: Any, signalperiod: int = ...) -> tuple[F64, F64, F64]:
    """Moving Average Convergence/Divergence Fix 12/26 (Momentum Indicators). Returns macd, macdsignal, macdhist."""
def MAMA(real: Any, fastlimit: float = ..., slowlimit: float = ...) -> tuple[F64, F64]:
    """MESA Adaptive Moving Average (Overlap Studies). Returns mama, fama."""
def MARKETFI(high: Any, low: Any, volume: Any) -> F64:
    """Market Facilitation Index (Volume Indicators). Returns real."""
def MASSI(high: Any, low: Any, fastperiod: int = ..., slowperiod: int = ...) -> F64:
    """Mass Index (Volatility Indicators). Returns real."""
def MAVP(close: Any, periods: Any, minperiod: int = ..., maxperiod: int = ..., matype: int = ...) -> F64:
    """Moving average with variable period (Overlap Studies). Returns real."""
def MAX(real: Any, timeperiod: int = ...) -> F64:
    """Highest value over a specified period (Math Operators). Returns real."""
def MAXINDEX(real: Any, timeperiod: int = ...) -> F64:
    """Index of highest value over a specified period (Math Operators). Returns integer."""
def MEDPRICE(high: Any, low: Any) -> F64:
    """Median Price (Price Transform). Returns real."""
def MFI(high: Any, low: Any, close: Any, volume: Any, timeperiod: int = ...) -> F64:
    """Money Flow Index (Momentum Indicators). Returns real."""
def MIDPOINT(real: Any, timeperiod: int = ...) -> F64:
    """MidPoint over period (Overlap Studies). Returns real."""
def MIDPRICE(high: Any, low: Any, timeperiod: int = ...) -> F64:
    """Midpoint Price over period (Overlap Studies). Returns real."""
def MIN(real: Any, timeperiod: int = ...) -> F64:
    """Lowest value over a specified period (Math Operators). Returns real."""
def MININDEX(real: Any, timeperiod: int = ...) -> F64:
    """Index of lowest value over a specified period (Math Operators). Returns integer."""
def MINMAX(real: Any, timeperiod: int = ...) -> tuple[F64, F64]:
    """Lowest and highest values over a specified period (Math Operators). Returns min, max."""
def MINMAXINDEX(real: Any, timeperiod: int = ...) -> tuple[F64, F64]:
    """Indexes of lowest and highest values over a specified period (Math Operators). Returns minidx, maxidx."""
def MINUS_DI(high: Any, low: Any, close: Any, timeperiod: int = ...) -> F64:
    """Minus Directional Indicator (Momentum Indicators). Returns real."""
def MINUS_DM(high: Any, low: Any, timeperiod: int = ...) -> F64:
    """Minus Directional Movement (Momentum Indicators). Returns real."""
def MOM(real: Any, timeperiod: int = ...) -> F64:
    """Momentum (Momentum Indicators). Returns real."""
def MULT(high: Any, low: Any) -> F64:
    """Vector Arithmetic Mult (Math Operators). Returns real."""
def NATR(high: Any, low: Any, close: Any, timeperiod: int = ...) -> F64:
    """Normalized Average True Range (Volatility Indicators). Returns real."""
def NVI(close: Any, volume: Any) -> F64:
    """Negative Volume Index (Volume Indicators). Returns real."""
def OBV(close: Any, volume: Any) -> F64:
    """On Balance Volume (Volume Indicators). Returns real."""
def PERCENTILE(real: Any, timeperiod: int = ..., percentile: float = ...) -> F64:
    """Percentile (nearest rank) (Statistic Functions). Returns real."""
def PERCENTRANK(real: Any, timeperiod: int = ...) -> F64:
    """Percent Rank (Statistic Functions). Returns real."""
def PLUS_DI(high: Any, low: Any, close: Any, timeperiod: int = ...) -> F64:
    """Plus Directional Indicator (Momentum Indicators). Returns real."""
def PLUS_DM(high: Any, low: Any, timeperiod: int = ...) -> F64:
    """Plus Directional Movement (Momentum Indicators). Returns real."""
def PPO(real: Any, fastperiod: int = ..., slowperiod: int = ..., matype: int = ...) -> F64:
    """Percentage Price Oscillator (Momentum Indicators). Returns real."""
def PVI(close: Any, volume: Any) -> F64:
    """Positive Volume Index (Volume Indicators). Returns real."""
def PVO(real: Any, fastperiod: int = ..., slowperiod: int = ..., matype: int = ...) -> F64:
    """Percentage Volume Oscillator (Volume Indicators). Returns real."""
def PVT(close: Any, volume: Any) -> F64:
    """Price Volume Trend (Volume Indicators). Returns real."""
def QSTICK(open: Any, close: Any, timeperiod: int = ...) -> F64:
    """Qstick (Momentum Indicators). Returns real."""
def RMA(real: Any, timeperiod: int = ...) -> F64:
    """Wilder's Smoothed Moving Average (Overlap Studies). Returns real."""
def ROC(real: Any, timeperiod: int = ...) -> F64:
    """Rate of change : ((price/prevPrice)-1)*100 (Momentum Indicators). Returns real."""
def ROCP(real: Any, timeperiod: int = ...) -> F64:
    """Rate of change Percentage: (price-prevPrice)/prevPrice (Momentum Indicators). Returns real."""
def ROCR(real: Any, timeperiod: int = ...) -> F64:
    """Rate of change ratio: (price/prevPrice) (Momentum Indicators). Returns real."""
def ROCR100(real: Any, timeperiod: int = ...) -> F64:
    """Rate of change ratio 100 scale: (price/prevPrice)*100 (Momentum Indicators). Returns real."""
def RSI(real: Any, timeperiod: int = ...) -> F64:
    """Relative Strength Index (Momentum Indicators). Returns real."""
def RVI(real: Any, timeperiod: int = ..., stddevperiod: int = ...) -> F64:
    """Relative Volatility Index (Volatility Indicators). Returns real."""
def RVOL(real: Any, timeperiod: int = ...) -> F64:
    """Relative Volume (Volume Indicators). Returns real."""
def SAR(high: Any, low: Any, acceleration: float = ..., maximum: float = ...) -> F64:
    """Parabolic SAR (Overlap Studies). Returns real."""
def SAREXT(high: Any, low: Any, startvalue: float = ..., offsetonreverse: float = ..., accelerationinitlong: float = ..., accelerationlong: float = ..., accelerationmaxlong: float = ..., accelerationinitshort: float = ..., accelerationshort: float = ..., accelerationmaxshort: float = ...) -> F64:
    """Parabolic SAR - Extended (Overlap Studies). Returns real."""
def SIN(real: Any) -> F64:
    """Vector Trigonometric Sin (Math Transform). Returns real."""
def SINH(real: Any) -> F64:
    """Vector Trigonometric Sinh (Math Transform). Returns real."""
def SMA(real: Any, timeperiod: int = ...) -> F64:
    """Simple Moving Average (Overlap Studies). Returns real."""
def SMI(high: Any, low: Any, close: Any, timeperiod: int = ..., fastperiod: int = ..., slowperiod: int = ..., signalperiod: int = ...) -> tuple[F64, F64]:
    """Stochastic Momentum Index (Momentum Indicators). Returns smi, smisignal."""
def SQRT(real: Any) -> F64:
    """Vector Square Root (Math Transform). Returns real."""
def STDDEV(real: Any, timeperiod: int = ..., nbdev: float = ...) -> F64:
    """Standard Deviation (Statistic Functions). Returns real."""
def STOCH(high: Any, low: Any, close: Any, fastk_period: int = ..., slowk_period: int = ..., slowk_matype: int = ..., slowd_period: int = ..., slowd_matype: int = ...) -> tuple[F64, F64]:
    """Stochastic (Momentum Indicators). Returns slowk, slowd."""
def STOCHF(high: Any, low: Any, close: Any, fastk_period: int = ..., fastd_period: int = ..., fastd_matype: int = ...) -> tuple[F64, F64]:
    """Stochastic Fast (Momentum Indicators). Returns fastk, fastd."""
def STOCHRSI(real: Any, timeperiod: int = ..., fastk_period: int = ..., fastd_period: int = ..., fastd_matype: int = ...) -> tuple[F64, F64]:
    """Stochastic Relative Strength Index (Momentum Indicators). Returns fastk, fastd."""
def SUB(high: Any, low: Any) -> F64:
    """Vector Arithmetic Subtraction (Math Operators). Returns real."""
def SUM(real: Any, timeperiod: int = ...) -> F64:
    """Summation (Math Operators). Returns real."""
def SUPERTREND(high: Any, low: Any, close: Any, timeperiod: int = ..., multiplier: float = ...) -> tuple[F64, F64]:
    """SuperTrend (Overlap Studies). Returns supertrend, trend."""
def T3(real: Any, timeperiod: int = ..., vfactor: float = ...) -> F64:
    """Triple Exponential Moving Average (T3) (Overlap Studies). Returns real."""
def TAN(real: Any) -> F64:
    """Vector Trigonometric Tan (Math Transform). Returns real."""
def TANH(real: Any) -> F64:
    """Vector Trigonometric Tanh (Math Transform). Returns real."""
def TEMA(real: Any, timeperiod: int = ...) -> F64:
    """Triple Exponential Moving Average (Overlap Studies). Returns real."""
def TRANGE(high: Any, low: Any, close: Any) -> F64:
    """True Range (Volatility Indicators). Returns real."""
def TRIMA(real: Any, timeperiod: int = ...) -> F64:
    """Triangular Moving Average (Overlap Studies). Returns real."""
def TRIX(real: Any, timeperiod: int = ...) -> F64:
    """1-day Rate-Of-Change (ROC) of a Triple Smooth EMA (Momentum Indicators). Returns real."""
def TSF(real: Any, timeperiod: int = ...) -> F64:
    """Time Series Forecast (Statistic Functions). Returns real."""
def TSI(real: Any, firstperiod: int = ..., secondperiod: int = ...) -> F64:
    """True Strength Index (Momentum Indicators). Returns real."""
def TYPPRICE(high: Any, low: Any, close: Any) -> F64:
    """Typical Price (Price Transform). Returns real."""
def ULTOSC(high: Any, low: Any, close: Any, timeperiod1: int = ..., timeperiod2: int = ..., timeperiod3: int = ...) -> F64:
    """Ultimate Oscillator (Momentum Indicators). Returns real."""
def VAR(real: Any, timeperiod: int = ..., nbdev: float = ...) -> F64:
    """Variance (Statistic Functions). Returns real."""
def VHF(real: Any, timeperiod: int = ...) -> F64:
    """Vertical Horizontal Filter (Momentum Indicators). Returns real."""
def VORTEX(high: Any, low: Any, close: Any, timeperiod: int = ...) -> tuple[F64, F64]:
    """Vortex Indicator (Momentum Indicators). Returns plusvi, minusvi."""
def VWAP(high: Any, low: Any, close: Any, volume: Any) -> F64:
    """Volume Weighted Average Price (Volume Indicators). Returns real."""
def VWMA(close: Any, volume: Any, timeperiod: int = ...) -> F64:
    """Volume Weighted Moving Average (Overlap Studies). Returns real."""
def WAD(high: Any, low: Any, close: Any) -> F64:
    """Williams' Accumulation/Distribution (Momentum Indicators). Returns real."""
def WCLPRICE(high: Any, low: Any, close: Any) -> F64:
    """Weighted Close Price (Price Transform). Returns real."""
def WILLR(high: Any, low: Any, close: Any, timeperiod: int = ...) -> F64:
    """Williams' %R (Momentum Indicators). Returns real."""
def WMA(real: Any, timeperiod: int = ...) -> F64:
    """Weighted Moving Average (Overlap Studies). Returns real."""
def ZLEMA(real: Any, timeperiod: int = ...) -> F64:
    """Zero-Lag Exponential Moving Average (Overlap Studies). Returns real."""
